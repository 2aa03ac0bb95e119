/** How many small transactions one producer can make, one after another. */
import { missingClient, runClient } from './client.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext, RunningPeer } from './measure.ts'
import { distinctPeers, FIRST_WARM_SECONDS, takeTurns, WARM_SECONDS, warmSeconds } from './peer-runners.ts'

const CASES = [
  { name: 'a record each', offsets: false },
  { name: 'a record and an offset each', offsets: true },
] as const
const SECONDS = 3
const SHORT_SECONDS = 1

export const transactions: Measure = {
  name: 'transactions',
  title: 'Transactions',
  about: `One transactional franz-go producer, no linger: begin, a record of 14 bytes and its answer, commit, and so on, one
after another. With offsets it is a GroupTransactSession instead: each transaction polls one record of another topic,
produces one and commits the offset of the first, with the heartbeat that franz-go makes before the end. A run takes
${SECONDS} s behind ${WARM_SECONDS} s that do not count (${FIRST_WARM_SECONDS} s in the first round). All brokers run from
beginning to end and take turns, ottla and kfake with their logs in memory.`,
  get missing() {
    return missingClient()
  },
  run,
}

interface Committed {
  readonly transactions: number
  readonly seconds: number
  readonly p99Ms: number
  readonly brokerMs: number
}

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  await takeTurns(distinctPeers(context.peers), CASES, context, async ({ of, running }, each, round) => {
    const made = await transact(running, each.offsets, round, context.short)
    note(figures, each.name, of, made)
    return `${each.name}: ${perSecond(made).toFixed(0)} a second`
  })
  return figures.all()
}

async function transact(
  { bootstrapServers: brokers, pid }: RunningPeer,
  offsets: boolean,
  round: number,
  short: boolean,
): Promise<Committed> {
  const topic = `transactions-${offsets ? 'offsets-' : ''}${round}`
  const warm = warmSeconds(round, short)
  const seconds = short ? SHORT_SECONDS : SECONDS
  const flags = { brokers, pid, topic, seconds, warm, ...(offsets ? { offsets: true as const } : {}) }
  return runClient<Committed>('transactions', flags)
}

function note(figures: Collector, name: string, of: string, made: Committed): void {
  figures.add({ case: name, figure: 'transactions', unit: '1/s', better: 'more', of }, perSecond(made))
  figures.add({ case: name, figure: 'p99', unit: 'ms', better: 'less', of }, made.p99Ms)
  const cost = (made.brokerMs * 1000) / made.transactions
  figures.add(
    { case: name, figure: "broker's processor", unit: 'µs per transaction', better: 'less', of },
    cost,
  )
}

const perSecond = (made: Committed): number => made.transactions / made.seconds
