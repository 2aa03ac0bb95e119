import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Each stands for a file of ten tests. */
const FILES = Number(process.env['SUITE_FILES'] ?? '20')

const config: ViteUserConfig = defineConfig({
  root: import.meta.dirname,
  test: {
    maxWorkers: 4,
    projects: Array.from({ length: FILES }, (_, at) => ({
      test: {
        name: `file ${at + 1}`,
        include: ['*.kafka.ts'],
        testTimeout: 60_000,
        hookTimeout: 60_000,
        // A consumer that has to join again, now and then against Apache Kafka, may get records twice.
        retry: 2,
      },
    })),
  },
})

export default config
