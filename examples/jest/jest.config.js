/** @type {import('jest').Config} */
module.exports = {
  // One cluster for all test files: its address is in the environment, as KAFKA_BOOTSTRAP_SERVERS.
  globalSetup: 'ottla/jest/setup',
  globalTeardown: 'ottla/jest/teardown',
  projects: [
    // As Jest comes: JavaScript, by its own loader.
    { displayName: 'default', testMatch: ['**/*.test.js'] },
    { displayName: 'ts-jest', preset: 'ts-jest', testMatch: ['**/*.test.ts'] },
  ],
}
