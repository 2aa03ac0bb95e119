/** segmentio's kafka-go, feature by feature: the tests are in the Go program beside this file. */
import { testProgram } from '../program-suite.ts'
import { buildGo, goProgram } from '../tools.ts'

testProgram(goProgram('kafka-go'), 'kafka-go', { prepare: () => buildGo('kafka-go') })
