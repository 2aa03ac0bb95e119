/** @confluentinc/kafka-javascript (librdkafka), feature by feature: the tests are in the programs beside this file. */
import { join } from 'node:path'
import { testProgram } from '../program-suite.ts'
import { confluentJavascript } from '../tools.ts'

testProgram(confluentJavascript, '@confluentinc/kafka-javascript', {
  prefix: [join(import.meta.dirname, 'features.js')],
})
