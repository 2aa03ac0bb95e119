/** ottla, in this process, with the same settings as the Kafka it is compared with, and with Kafka's temper. */
import { startCluster } from '../../src/index.ts'
import type { Target } from './case.ts'
import { settings } from './settings.ts'

export async function startOttla(): Promise<Target & AsyncDisposable> {
  const cluster = await startCluster({ port: 0, config: { ...settings, 'ottla.realistic': 'true' } })
  const port = Number(cluster.bootstrapServers.split(':').at(-1))
  return { host: '127.0.0.1', port, [Symbol.asyncDispose]: () => cluster.stop() }
}
