/** How long a record takes from its producer to its consumer. */
import { missingClient, runClient } from './client.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext, RunningPeer } from './measure.ts'
import { distinctPeers, FIRST_WARM_SECONDS, takeTurns, WARM_SECONDS, warmSeconds } from './peer-runners.ts'

const RATES = [1_000, 10_000] as const
/** Runs are long, so that there is something behind p99.9, and therefore few. */
const MAX_ROUNDS = 3
const SECONDS = 10
const SHORT_SECONDS = 1.5

export const latency: Measure = {
  name: 'latency',
  title: 'End-to-end latency',
  about: `One franz-go producer (idempotent, acks=all, no linger) sends records of 1 KiB to one partition at a steady rate,
and one consumer, of its own connection, waits for them. What is measured is the time from the call that sends a record
to the poll that returns it; both are in one process, and the time of sending is in the record. A run takes ${SECONDS} s
behind ${WARM_SECONDS} s that do not count (${FIRST_WARM_SECONDS} s in the first round); there are at most ${MAX_ROUNDS}
rounds. All brokers run from beginning to end and take turns, ottla and kfake with their logs in memory.`,
  get missing() {
    return missingClient()
  },
  run,
}

interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly ackP99Ms: number
  /** How far the client itself was behind its rate: what it could not keep up with is not the broker's. */
  readonly lateP99Ms: number
  readonly brokerMs: number
  readonly seconds: number
}

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  const turns = { ...context, rounds: Math.min(context.rounds, MAX_ROUNDS) }
  await takeTurns(distinctPeers(context.peers), RATES, turns, async ({ of, running }, rate, round) => {
    const taken = await send(running, rate, round, context.short)
    note(figures, rate, of, taken)
    const [p50, p99, p999] = [taken.p50Ms, taken.p99Ms, taken.p999Ms].map((ms) => ms.toFixed(2))
    return `${rate} a second: p50 ${p50}, p99 ${p99}, p99.9 ${p999} ms`
  })
  return figures.all()
}

async function send(
  { bootstrapServers: brokers, pid }: RunningPeer,
  rate: number,
  round: number,
  short: boolean,
): Promise<Latencies> {
  const topic = `latency-${rate}-${round}`
  const warm = warmSeconds(round, short)
  const seconds = short ? SHORT_SECONDS : SECONDS
  const taken = await runClient<Latencies>('latency', { brokers, pid, topic, rate, seconds, warm })
  await runClient('delete', { brokers, topic })
  return taken
}

function note(figures: Collector, rate: number, of: string, taken: Latencies): void {
  const name = `${rate.toLocaleString('en')} records a second`
  const add = (figure: string, unit: string, value: number): void =>
    figures.add({ case: name, figure, unit, better: 'less', of }, value)
  add('p50', 'ms', taken.p50Ms)
  add('p99', 'ms', taken.p99Ms)
  add('p99.9', 'ms', taken.p999Ms)
  add("p99 of the producer's answers", 'ms', taken.ackP99Ms)
  add('p99 of how late the client sent', 'ms', taken.lateP99Ms)
  add("broker's processor", 'µs per record', (taken.brokerMs * 1000) / (rate * taken.seconds))
}
