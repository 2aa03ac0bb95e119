/** The process that is counted: a broker in memory or on a disk, which its parent tells when to begin and when to end. */
import { seededRandom } from '../../src/clock.ts'
import { startCluster } from '../../src/cluster.ts'
import { AllocationProbe, type Allocations, CallProbe, type Calls } from './probe.ts'

/** What the parent says; each is answered. */
export type Order = 'count calls' | 'begin' | 'end'

export interface Counted {
  readonly allocations: Allocations | null
  readonly calls: Calls | null
}

const [topics = '1', dataDir] = process.argv.slice(2)
const cluster = await startCluster({
  host: '127.0.0.1',
  random: seededRandom(1),
  topics: Array.from({ length: Number(topics) }, (_, index) => `topic-${index}`),
  config: { 'group.initial.rebalance.delay.ms': '0' },
  ...(dataDir === undefined ? {} : { dataDir }),
})
const allocations = new AllocationProbe()
let calls: CallProbe | null = null

process.on('message', async (order: Order) => {
  if (order === 'end') {
    const counted: Counted = {
      allocations: calls === null ? await allocations.end() : null,
      calls: calls?.end() ?? null,
    }
    process.send?.(counted)
    return
  }
  if (order === 'count calls') calls = new CallProbe()
  await allocations.settle()
  process.send?.('ready')
  // From here on whatever happens is what the requests cost.
  allocations.begin()
  calls?.begin()
})
process.on('disconnect', async () => {
  await cluster.stop()
  process.exit()
})
process.send?.(Number(cluster.bootstrapServers.split(':')[1]))
