/** Jest's global setup: `globalSetup: 'ottla/jest/setup'`. */
import { kafkaSetup } from './jest.ts'

const setup: () => Promise<void> = kafkaSetup()

export default setup
