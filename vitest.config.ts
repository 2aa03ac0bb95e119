import { configDefaults, defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'compat-tests/**/*.test.ts', 'bench/**/*.test.ts'],
    // Those that take minutes run only where they are asked for (CONTRIBUTING.md).
    exclude: [
      ...configDefaults.exclude,
      ...(process.env['OTTLA_LONG'] === undefined ? ['**/*.long.test.ts'] : []),
    ],
    // The tests of real clients wait more than they work, so that two cores can do with more than two workers.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})

export default config
