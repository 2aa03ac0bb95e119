/** @platformatic/kafka, feature by feature: the tests are in the programs beside this file. */
import { join } from 'node:path'
import { testProgram } from '../program-suite.ts'
import { platformaticKafka } from '../tools.ts'

testProgram(platformaticKafka, '@platformatic/kafka', { prefix: [join(import.meta.dirname, 'features.js')] })
