/** Produce and consume: how much goes through, and what a GB costs the broker. */
import { missingClient, runClient } from './client.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext, Peer, PeerName, RunningPeer } from './measure.ts'
import { inOrderOf } from './peer-runners.ts'
import { missingProducerPerformance, producerPerformance } from './producer-performance.ts'

/** One way to produce and to consume. */
interface Case {
  readonly name: string
  readonly sizeBytes: number
  readonly partitions: number
  readonly compression: 'none' | 'lz4'
  readonly acks: '1' | 'all'
  readonly clients: number
  readonly storage: 'memory' | 'disk'
  /** Batches are smaller than the client would make them. */
  readonly batchBytes?: number
  /** Forces each batch out before it is acknowledged. */
  readonly flush?: true
  readonly withoutNativeCrc?: true
  readonly consume: boolean
  /** Beside the native client. */
  readonly java?: true
}

const base: Omit<Case, 'name'> = {
  sizeBytes: 1024,
  partitions: 4,
  compression: 'none',
  acks: 'all',
  clients: 1,
  storage: 'memory',
  consume: true,
}

const BASE = '1 KiB'

const cases: readonly Case[] = [
  { ...base, name: BASE, withoutNativeCrc: true, java: true },
  { ...base, name: '100 B', sizeBytes: 100, withoutNativeCrc: true, java: true },
  { ...base, name: '1 KiB, 1 partition', partitions: 1 },
  { ...base, name: '1 KiB, 64 partitions', partitions: 64 },
  { ...base, name: '1 KiB, lz4', compression: 'lz4' },
  { ...base, name: '1 KiB, acks=1', acks: '1', consume: false },
  { ...base, name: '1 KiB, 16 clients', clients: 16 },
  { ...base, name: '1 KiB, disk', storage: 'disk' },
  { ...base, name: '1 KiB, disk, each batch forced out', storage: 'disk', flush: true, consume: false },
]

const again: Case = { ...base, name: '1 KiB, memory used before' }

const MB = 1_000_000
const GB = 1000 * MB

export const throughput: Measure = {
  name: 'throughput',
  title: 'Throughput, and what a GB costs',
  about: `A client of franz-go (idempotent with acks=all; its own defaults, but that it holds 32 MB of records at least)
sends records as fast as the broker takes them, then reads the topic from its start twice, without a group. Half of each
value is random. The base is 1 KiB, 4 partitions, no compression, acks=all, 1 client, logs in memory; each other case
differs from it as its name says: all combinations would take hours. 512 MB are sent in each case and round, 128 MB where
each batch is forced out; MB are millions of bytes of values. Time runs from the first record to the last answer, with
connections, metadata and producer ids there already. Processor seconds are user and system of all threads in that time,
for a GB of values. Brokers take turns case by case. Those that keep logs in memory are started anew for each case, and
first, uncounted, 64 MB go into ottla in batches of 16 KB and 240 MB as they will be measured, and eight times out again:
its compilers have little left to do then; 300 MB go into kfake, and twice out, more of which makes it slower. So none
holds more than 1 GB. "Memory used before" is the base again,
after its topic has been deleted. Those that keep logs on a disk run throughout, each topic deleted after its case:
before the first round 1 GB goes into Apache Kafka and 8 GB out of it, after which its compiler has little left to do,
and into and out of ottla the same as where it keeps logs in memory. Kafka's log is always a file: its figures for disk and for memory are the same
runs. With 16 clients each reads one partition, so that each is read four times. Cases with Java are Kafka's own
ProducerPerformance with the Java client's defaults (batches of 16 KiB): 64 MB uncounted, then 64 MB, before each of which
are 30,000 records that warm the client up, and which are part of the broker's processor time.`,
  get missing() {
    const java = missingProducerPerformance()
    return missingClient() ?? (java === undefined ? undefined : { part: 'cases with Java', reason: java })
  },
  run,
}

interface Sent {
  readonly bytes: number
  readonly seconds: number
  readonly clientMs: number
  readonly brokerMs: number
}

/** A peer in one of its forms. */
interface Runner {
  readonly peer: Peer
  readonly storage: 'memory' | 'disk'
  /** Where it keeps nothing in memory: it runs from the first round to the last. */
  readonly lasting: RunningPeer | undefined
}

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const { short, progress } = context
  const figures = new Collector()
  const runners: Runner[] = []
  try {
    for (const peer of context.peers) {
      for (const storage of peer.name === 'ottla-js-crc' ? (['memory'] as const) : peer.storages) {
        const lasting = storage === 'disk' ? await peer.start({ storage }) : undefined
        runners.push({ peer, storage, lasting })
        if (lasting !== undefined) await warm(lasting, peer.name, short)
        progress(`${peer.name} (${storage}) is ready`)
      }
    }
    for (let round = 1; round <= context.rounds; round++) {
      for (const each of short ? cases.filter(({ name }) => SHORT.has(name)) : cases) {
        const those = runners.filter((runner) => takesPart(runner, each))
        for (const runner of inOrderOf(round - 1, those)) {
          const line = await turn(figures, runner, each, short)
          progress(`round ${round}: ${each.name}: ${runner.peer.name} (${runner.storage}): ${line}`)
        }
      }
    }
  } finally {
    await Promise.all(runners.map(({ lasting }) => lasting?.[Symbol.asyncDispose]()))
  }
  return figures.all()
}

const SHORT: ReadonlySet<string> = new Set([BASE, '100 B', '1 KiB, disk'])

/** Until compilers have done most of what they will do: that of Kafka's JVM takes its time, and kfake has none. */
async function warm(running: RunningPeer, of: PeerName, short: boolean): Promise<void> {
  const each: Case = { ...base, name: 'warm' }
  if (short) return void (await sendAndRead(running, each, 100 * MB, 2))
  if (of === 'kafka') return void (await sendAndRead(running, each, GB, 8))
  if (of === 'kfake') return void (await sendAndRead(running, each, 300 * MB, 2))
  // Few bytes in many requests: what is done for each is compiled after some thousands of them.
  await sendAndRead(running, { ...each, batchBytes: 16_384 }, 64 * MB, 8)
  await sendAndRead(running, each, 240 * MB, 8)
}

function takesPart({ peer: { name }, storage }: Runner, each: Case): boolean {
  if (name === 'ottla-js-crc' && each.withoutNativeCrc !== true) return false
  // Its log is a file in any case: it is not measured twice.
  if (name === 'kafka') return each.storage === 'memory' || each.flush === true
  return storage === each.storage
}

async function turn(figures: Collector, runner: Runner, each: Case, short: boolean): Promise<string> {
  const { peer, storage, lasting } = runner
  if (lasting !== undefined) return oneCase(figures, peer.name, lasting, each, short)
  await using running = await peer.start({ storage })
  await warm(running, peer.name, short)
  const line = await oneCase(figures, peer.name, running, each, short)
  if (each.name !== BASE) return line
  return `${line}; again: ${await oneCase(figures, peer.name, running, again, short)}`
}

/** Runs a case once. Returns what to say of it. */
async function oneCase(
  figures: Collector,
  of: PeerName,
  running: RunningPeer,
  each: Case,
  short: boolean,
): Promise<string> {
  const bytes = (short ? 100 * MB : 512 * MB) / (each.flush === true ? 4 : 1)
  const { sent, read } = await sendAndRead(running, each, bytes, each.clients > 1 ? 1 : 2)
  const names = of === 'kafka' && each.name === BASE ? [BASE, '1 KiB, disk'] : [each.name]
  for (const name of names) {
    note(figures, `produce ${name}`, of, sent)
    if (read !== undefined) note(figures, `consume ${name}`, of, read)
  }
  const done = [sent, ...(read === undefined ? [] : [read])]
  if (each.java === true && of !== 'ottla-js-crc' && !short && missingProducerPerformance() === undefined) {
    const java = await sendWithJava(running, each, bytes / 8)
    note(figures, `produce ${each.name}, Java`, of, java)
    done.push(java)
  }
  return done.map((work) => `${speed(work).toFixed(0)} MB/s, ${brokerCost(work).toFixed(2)} s/GB`).join('; ')
}

async function sendAndRead(
  { bootstrapServers: brokers, pid }: RunningPeer,
  each: Case,
  bytes: number,
  times: number,
): Promise<{ readonly sent: Sent; readonly read: Sent | undefined }> {
  const topic = `bench-${topics++}`
  // Its files go at once, so that the disk has nothing to do for one peer in another's turn.
  const configs = ['file.delete.delay.ms=0', ...(each.flush === true ? ['flush.messages=1'] : [])].join(',')
  const { sizeBytes: size, partitions, acks, compression, clients, batchBytes: batch } = each
  const sending = { brokers, pid, topic, size, partitions, acks, compression, clients, configs, bytes }
  const sent = await runClient<Sent>('produce', batch === undefined ? sending : { ...sending, batch })
  const read = each.consume
    ? await runClient<Sent>('consume', { brokers, pid, topic, clients, times })
    : undefined
  await runClient('delete', { brokers, topic })
  return { sent, read }
}

async function sendWithJava(running: RunningPeer, each: Case, bytes: number): Promise<Sent> {
  const brokers = running.bootstrapServers
  const topic = `bench-${topics++}`
  await runClient('create', {
    brokers,
    topic,
    partitions: each.partitions,
    configs: 'file.delete.delay.ms=0',
  })
  // What is done for each small request has not been compiled yet.
  await producerPerformance(running, topic, each.sizeBytes, bytes)
  const sent = await producerPerformance(running, topic, each.sizeBytes, bytes)
  await runClient('delete', { brokers, topic })
  return sent
}

let topics = 0

function note(figures: Collector, name: string, of: PeerName, work: Sent): void {
  figures.add({ case: name, figure: 'throughput', unit: 'MB/s', better: 'more', of }, speed(work))
  figures.add(
    { case: name, figure: "broker's processor", unit: 's/GB', better: 'less', of },
    brokerCost(work),
  )
  if (work.clientMs === 0) return
  const clientCost = work.clientMs / 1000 / (work.bytes / GB)
  figures.add({ case: name, figure: "client's processor", unit: 's/GB', better: 'less', of }, clientCost)
}

const speed = ({ bytes, seconds }: Sent): number => bytes / MB / seconds
const brokerCost = ({ bytes, brokerMs }: Sent): number => brokerMs / 1000 / (bytes / GB)
