/**
 * ottla in vitest: as a `globalSetup` one cluster for a whole run, whose address tests get by `inject('kafka')`; as
 * `test` a cluster for each test that asks for `kafka`.
 */
import { test as base, type TestAPI } from 'vitest'
import type { TestProject } from 'vitest/node'
import { type Cluster, type ClusterOptions, startCluster } from './index.ts'

/** What `inject('kafka')` gives. */
export interface ProvidedKafka {
  /** What to give to a client: `host:port`. */
  readonly bootstrapServers: string
  /** The same for each listener, by its name. */
  readonly listeners: Readonly<Record<string, string>>
}

declare module 'vitest' {
  export interface ProvidedContext {
    kafka: ProvidedKafka
  }
}

/** A global setup, as vitest calls it. */
export type GlobalSetup = (project: Pick<TestProject, 'provide'>) => Promise<() => Promise<void>>

/** Makes a global setup of a cluster with options: a file of its own exports it as its default. */
export function kafkaSetup(options: ClusterOptions = {}): GlobalSetup {
  return async ({ provide }) => {
    const cluster = await startCluster(options)
    const { bootstrapServers, listeners } = cluster
    provide('kafka', { bootstrapServers, listeners: Object.fromEntries(listeners) })
    return () => cluster.stop()
  }
}

/** A global setup without options: `globalSetup: ['ottla/vitest']`. */
export const setup: GlobalSetup = kafkaSetup()

export interface KafkaFixtures {
  /** What the cluster of a test is like; to be overridden by `test.override` or `test.extend`. */
  readonly kafkaOptions: ClusterOptions
  /** A cluster for the test alone, from when it asks for it to its end. */
  readonly kafka: Cluster
}

/** vitest's `test`, with a cluster for each test that asks for one: `test('…', async ({ kafka }) => …)`. */
export const test: TestAPI<KafkaFixtures> = withKafka()

function withKafka(): TestAPI<KafkaFixtures> {
  // Where this module is a global setup there are no tests yet, and vitest does not let them be extended.
  if (!('__vitest_worker__' in globalThis)) return base as unknown as TestAPI<KafkaFixtures>
  return base.extend<KafkaFixtures>({
    kafkaOptions: {},
    kafka: async ({ kafkaOptions }, use) => {
      await using cluster = await startCluster(kafkaOptions)
      await use(cluster)
    },
  })
}
