/** Whether the cost of a unit of work grows with what else there is. */
import { setTimeout as pause } from 'node:timers/promises'
import { Collector } from './collector.ts'
import { costsBesideConnections } from './growth/connections.ts'
import { costsOfGroups } from './growth/groups.ts'
import { costsBesidePartitions, makeIdlePartitions } from './growth/partitions.ts'
import { costsOfSegments, makeSegments } from './growth/segments.ts'
import { type Costs, processorMs, type UnitTimes } from './growth/unit.ts'
import type {
  Beside,
  Figure,
  Measure,
  MeasureContext,
  Peer,
  PeerName,
  PeerOptions,
  RunningPeer,
} from './measure.ts'
import { temporaryFolder } from './processes.ts'

export const growth: Measure = {
  name: 'growth',
  title: 'Growth',
  about: `What one unit of work costs the broker, in microseconds of its processor time, beside few and many partitions,
connections, groups and segments; behind a cost stands how many times that with the smallest number it is. A client that sends frames made before and only counts the answers keeps the broker busy with one kind of
request: 32 on their way on one connection, or 32 on each of four connections at a time where many connections
work in turn. Partitions are one of a topic by itself, with which the work is done, and the others in topics of ten.
Segments hold a small batch each. Each size has a broker of its own, whose compiler has had a moment to warm up. Kafka
and kfake are measured in one round, Kafka with 1,000 partitions and connections at most, and without
group.initial.rebalance.delay.ms. What a start takes for each segment is what it takes more than in an empty folder. The
processor time of a broker that nobody asks anything is taken over half a minute,
so that its checks of all logs are in it.`,
  run,
}

interface Subject {
  readonly name: string
  readonly sizes: readonly number[]
  readonly peerOptions?: PeerOptions
  costs(peer: RunningPeer, size: number, times: UnitTimes): Promise<Costs>
}

const subjects: readonly Subject[] = [
  { name: 'partitions', sizes: [1, 100, 1_000, 10_000], costs: costsBesidePartitions },
  {
    name: 'partitions on disk',
    sizes: [1, 1_000],
    peerOptions: { storage: 'disk' },
    costs: costsBesidePartitions,
  },
  { name: 'connections', sizes: [10, 1_000, 3_000], costs: costsBesideConnections },
  {
    name: 'groups',
    sizes: [10, 1_000],
    peerOptions: { configs: { 'group.initial.rebalance.delay.ms': '0' } },
    costs: costsOfGroups,
  },
  { name: 'segments', sizes: [10, 1_000], costs: segments },
  { name: 'segments on disk', sizes: [10, 1_000], peerOptions: { storage: 'disk' }, costs: segments },
]

/** Kafka takes minutes to make more partitions, and its memory for more connections. */
const MOST_IN_KAFKA = 1_000
const MOST_IDLE = 10_000
const MOST_ROUNDS = 3
const FULL: UnitTimes = { warmMs: 800, measuredMs: 400 }
const SHORT: UnitTimes = { warmMs: 100, measuredMs: 100 }

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const { peers, rounds, short } = context
  const figures = new Collector()
  const own = peers.filter(({ name }) => name === 'ottla')
  const others = peers.filter(({ name }) => name === 'kafka' || name === 'kfake')
  for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
    for (const subject of short ? subjects.filter(({ name }) => !name.endsWith('disk')) : subjects) {
      for (const peer of round === 0 && !short ? [...own, ...others] : own) {
        await measure(peer, subject, context, figures)
      }
    }
    for (const peer of own) await starts(peer, context, figures)
  }
  await idle([...own, ...others], context, figures)
  return figures.all()
}

async function measure(
  peer: Peer,
  subject: Subject,
  { short, progress }: MeasureContext,
  figures: Collector,
): Promise<void> {
  const { name, peerOptions = {}, costs } = subject
  if (peer.name !== 'ottla' && name.endsWith('disk')) return
  const sizes = sizesFor(peer.name, subject, short)
  const of = peer.name
  for (const size of sizes) {
    await using running = await peer.start(peerOptions)
    const found = await costs(running, size, short ? SHORT : FULL)
    const beside = { what: name, count: size }
    for (const [figure, micros] of Object.entries(found))
      figures.add({ case: inWords(beside), figure, unit: 'µs', better: 'less', of, beside }, micros)
    const costsInWords = Object.entries(found).map(([what, micros]) => `${what} ${micros.toFixed(1)} µs`)
    progress(`${of}, ${inWords(beside)}: ${costsInWords.join(', ')}`)
  }
}

function sizesFor(name: PeerName, { sizes }: Subject, short: boolean): readonly number[] {
  const possible = name === 'kafka' ? sizes.filter((size) => size <= MOST_IN_KAFKA) : sizes
  const [first, ...more] = possible
  const last = more.at(short && more.length > 2 ? -2 : -1)
  const isThorough = name === 'ottla' && !short
  return isThorough ? possible : [first, last].filter((size) => size !== undefined)
}

async function segments(peer: RunningPeer, size: number, times: UnitTimes): Promise<Costs> {
  await makeSegments(peer, size)
  return costsOfSegments(peer, size, times)
}

/**
 * How long a start takes with few and many segments on disk, when the broker was stopped and when it was killed, and
 * what of that is for each segment: the rest is what a start with an empty folder takes.
 */
async function starts(peer: Peer, { short, progress }: MeasureContext, figures: Collector): Promise<void> {
  const emptyMs = await startMsInEmptyFolder(peer)
  for (const size of short ? [10] : [10, 1_000]) {
    using folder = temporaryFolder()
    const options: PeerOptions = { configs: { 'log.dirs': `${folder.path}/data` } }
    const ends = [
      ['after a stop', (): void => {}],
      ['after a kill', ({ pid }: RunningPeer): void => void process.kill(pid, 'SIGKILL')],
    ] as const
    {
      await using first = await peer.start(options)
      await makeSegments(first, size)
    }
    for (const [when, end] of ends) {
      {
        await using running = await peer.start(options)
        // What is loaded only when somebody asks for it belongs to the start.
        await costsOfSegments(running, size, { warmMs: 0, measuredMs: 1 })
        end(running)
      }
      await using running = await peer.start(options)
      const { startMs } = running
      const beside = { what: 'segments on disk', count: size }
      const start = { case: inWords(beside), better: 'less', of: peer.name } as const
      figures.add({ ...start, figure: `start ${when}`, unit: 'ms' }, startMs)
      const perSegment = Math.max(0, ((startMs - emptyMs) * 1000) / size)
      figures.add({ ...start, figure: `start ${when}, for each segment`, unit: 'µs', beside }, perSegment)
      progress(`${peer.name}, ${start.case}, start ${when}: ${startMs.toFixed(0)} ms`)
    }
  }
}

async function startMsInEmptyFolder(peer: Peer): Promise<number> {
  using folder = temporaryFolder()
  await using running = await peer.start({ configs: { 'log.dirs': `${folder.path}/data` } })
  return running.startMs
}

/** The processor time of brokers that nobody asks anything, all of them at once. */
async function idle(
  peers: readonly Peer[],
  { short, progress }: MeasureContext,
  figures: Collector,
): Promise<void> {
  const [settleMs, idleMs] = short ? [500, 1_000] : [5_000, 32_000]
  const spentMsOf = async (peer: Peer, count: number): Promise<number> => {
    await using running = await peer.start()
    await makeIdlePartitions(running, count)
    await pause(settleMs)
    const beforeMs = processorMs(running)
    await pause(idleMs)
    return (processorMs(running) - beforeMs) / (idleMs / 1000)
  }
  const few = peers.map((peer) => ({ peer, count: 1 }))
  const many = peers.map((peer) => ({ peer, count: peer.name === 'kafka' ? MOST_IN_KAFKA : MOST_IDLE }))
  const all = [...few, ...many.toSorted((one, other) => one.count - other.count)]
  const spent = await Promise.all(
    all.map(async (each) => ({ ...each, ms: await spentMsOf(each.peer, each.count) })),
  )
  for (const { peer, count, ms } of spent) {
    const beside = { what: 'partitions', count }
    const name = { case: inWords(beside), figure: 'a second of idling', of: peer.name, beside }
    figures.add({ ...name, unit: 'ms', better: 'less' }, ms)
    progress(`${peer.name}, ${name.case}, ${name.figure}: ${ms.toFixed(1)} ms`)
  }
}

/** As it is said in tables: 1 partition, 1,000 segments on disk. */
function inWords({ what, count }: Beside): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? what.replace(/s\b/, '') : what}`
}
