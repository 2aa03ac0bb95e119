import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // One cluster for all test files: tests get its address by inject('kafka').
    globalSetup: ['ottla/vitest'],
  },
})
