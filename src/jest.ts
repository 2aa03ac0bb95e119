/** ottla in Jest: a cluster for a whole run, or one for each test file. */
import { type Cluster, type ClusterOptions, startCluster } from './index.ts'

declare global {
  /** The cluster of the run, between global setup and teardown. */
  var __OTTLA_CLUSTER__: Cluster | undefined
}

/**
 * Makes a global setup of a cluster with options: a file of its own exports it as its default. Tests find the address
 * in the environment, as KAFKA_BOOTSTRAP_SERVERS and KAFKA_BROKERS.
 */
export function kafkaSetup(options: ClusterOptions = {}): () => Promise<void> {
  return async () => {
    const cluster = await startCluster(options)
    globalThis.__OTTLA_CLUSTER__ = cluster
    process.env['KAFKA_BOOTSTRAP_SERVERS'] = cluster.bootstrapServers
    process.env['KAFKA_BROKERS'] = cluster.bootstrapServers
  }
}

/** Stops what `kafkaSetup` has started. */
export async function kafkaTeardown(): Promise<void> {
  await globalThis.__OTTLA_CLUSTER__?.stop()
  globalThis.__OTTLA_CLUSTER__ = undefined
}

/** Jest's own, which are global wherever tests run. */
interface Hooks {
  readonly beforeAll: (hook: () => Promise<void>) => void
  readonly afterAll: (hook: () => Promise<void>) => void
}

/**
 * A cluster for the tests of one file, or of one `describe`: started before the first, stopped after the last.
 * Jest calls hooks in the order in which they were given, so an `afterAll` that closes clients stands in front of this.
 * @returns a function that gives the cluster, to be called in tests and hooks.
 */
export function useKafka(options: ClusterOptions = {}): () => Cluster {
  const { beforeAll, afterAll } = globalThis as unknown as Hooks
  let cluster: Cluster | undefined
  beforeAll(async () => {
    cluster = await startCluster(options)
  })
  afterAll(async () => cluster?.stop())
  return () => {
    if (cluster === undefined)
      throw new Error('the cluster starts before the first test: ask for it in a test or hook')
    return cluster
  }
}
