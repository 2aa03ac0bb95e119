/**
 * A broker on a data directory, with a bug planted in its store.
 *
 * usage: PORT DATA_DIR BUG
 */
import { pino } from 'pino'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { startBroker } from '../../src/cluster.ts'
import { openFileStore } from '../../src/storage/file-store.ts'
import { type BugName, plant } from './planted-store.ts'

const [port, dataDir = '', bug] = process.argv.slice(2)
const logger = pino({ level: 'silent' })
const store = await openFileStore({
  dataDir,
  clock: systemClock,
  random: systemRandom,
  nodeId: 1,
  logger,
})
await startBroker({
  port: Number(port),
  keepAlive: true,
  logger,
  clusterId: store.identity.clusterId,
  store: plant(bug as BugName, store),
})
