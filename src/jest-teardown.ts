/** Jest's global teardown: `globalTeardown: 'ottla/jest/teardown'`. */
export { kafkaTeardown as default } from './jest.ts'
