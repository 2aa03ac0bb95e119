/** aiokafka, feature by feature: the tests are in the Python programs beside this file. */
import { join } from 'node:path'
import { testProgram } from '../program-suite.ts'
import { pythonWith } from '../tools.ts'

testProgram(pythonWith('aiokafka', 'aiokafka'), 'aiokafka', {
  prefix: [join(import.meta.dirname, 'features.py')],
})
