/** What a broker keeps in memory: at rest, after work, and for each thing that it knows of. */
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { missingClient, runClient } from './client.ts'
import { Collector } from './collector.ts'
import { BenchConnection, openAll } from './connection.ts'
import { EMPTY_SERVER, startEmptyServer } from './empty-server.ts'
import { createTopics, metadataFrame } from './growth/requests.ts'
import type { Figure, Measure, MeasureContext, Memory } from './measure.ts'
import { joinOneGroup } from './memory/join-one-group.ts'
import { distinctPeers, type PeerStart } from './peer-runners.ts'

/** Rounds of minutes that hardly differ. */
const MAX_ROUNDS = 3
/** A collector of garbage comes round in that time. */
const SETTLING_MS = 4_000
const SHORT_SETTLING_MS = 500
const CONNECTIONS = 1_000
const PARTITIONS = [1_000, 10_000] as const
const PARTITIONS_PER_TOPIC = 1_000
const GB = 1e9
const SHORT_BYTES = 1e8
const RECORD_BYTES = 1024

const MIB = 2 ** 20
const KIB = 2 ** 10

export const memory: Measure = {
  name: 'memory',
  title: 'Memory',
  about: `What Linux says of the broker's process (\`/proc/PID/smaps_rollup\`), some seconds after the last thing that happened:
resident memory, and of it what no other process shares. Idle is a broker that has answered one Metadata request. A GB
is records of 1 KiB, produced by franz-go to one topic of 4 partitions and consumed once; ottla's memory logs drop
nothing of it by default. Partitions are of topics of 1,000; connections have asked for Metadata once; the members are of one
classic group. What they cost is how much private memory has grown, divided by their number. There are at most ${MAX_ROUNDS} rounds, and one of what
goes through and of the partitions.`,
  get missing() {
    const missing = missingClient()
    return missing && { ...missing, part: 'what goes through' }
  },
  run,
}

type Read = () => Memory

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  for (let round = 0; round < Math.min(context.rounds, MAX_ROUNDS); round++) {
    await ofEmptyServer(context, figures)
    for (const start of distinctPeers(context.peers)) await atRest(start, context, figures)
  }
  for (const start of distinctPeers(context.peers)) await ofPartitions(start, context, figures)
  if (missingClient() !== undefined) return figures.all()
  for (const start of distinctPeers(context.peers)) {
    for (const storage of start.peer.storages) {
      await afterTraffic({ ...start, options: { storage } }, context, figures)
    }
  }
  return figures.all()
}

async function ofEmptyServer(context: MeasureContext, figures: Collector): Promise<void> {
  await using server = await startEmptyServer()
  const read: Read = () => server.memoryBytes()
  const idle = await settled(read, context)
  note(figures, 'idle', EMPTY_SERVER, idle)
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(server.port, '127.0.0.1'))
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          socket.once('error', reject)
          socket.once('data', () => resolve())
          socket.write('x')
        }),
    ),
  )
  const connected = await settled(read, context)
  for (const socket of sockets) socket.destroy()
  noteEach(figures, 'connection', CONNECTIONS, EMPTY_SERVER, idle, connected)
}

async function atRest({ of, peer }: PeerStart, context: MeasureContext, figures: Collector): Promise<void> {
  await using running = await peer.start()
  const read: Read = () => running.memoryBytes()
  const idle = await settled(read, context)
  note(figures, 'idle', of, idle)
  context.progress(`${of}: ${(idle.residentBytes / MIB).toFixed(0)} MiB at rest`)
  await coordinatorIsThere(running.port)
  const alone = await settled(read, context)
  const connections = await openAll(running.port, CONNECTIONS, metadataFrame('probe'))
  const connected = await settled(read, context)
  noteEach(figures, 'connection', CONNECTIONS, of, alone, connected)
  await joinOneGroup(connections)
  noteEach(figures, 'member of a group', CONNECTIONS, of, connected, await settled(read, context))
  for (const connection of connections) connection.close()
}

async function ofPartitions(
  { of, peer }: PeerStart,
  context: MeasureContext,
  figures: Collector,
): Promise<void> {
  const { short } = context
  await using running = await peer.start()
  const read: Read = () => running.memoryBytes()
  const connection = await BenchConnection.open(running.port)
  let before = await settled(read, context)
  for (const count of short ? PARTITIONS.slice(0, 1) : PARTITIONS) {
    const topics = Array.from({ length: count / PARTITIONS_PER_TOPIC }, (_, at) => ({
      name: `memory-${count}-${at}`,
      partitions: PARTITIONS_PER_TOPIC,
    }))
    for (const topic of topics) await createTopics(connection, [topic])
    const after = await settled(read, context)
    noteEach(figures, 'partition', count, of, before, after)
    context.progress(`${of}: ${count} partitions`)
    before = after
  }
  connection.close()
}

async function afterTraffic(
  { of, peer, options = {} }: PeerStart,
  context: MeasureContext,
  figures: Collector,
): Promise<void> {
  await using running = await peer.start(options)
  const read: Read = () => running.memoryBytes()
  const { bootstrapServers: brokers, pid } = running
  const bytes = context.short ? SHORT_BYTES : GB
  const topic = 'memory'
  const sending = { brokers, pid, topic, size: RECORD_BYTES, partitions: 4, acks: 'all', clients: 1, bytes }
  await runClient('produce', { ...sending, compression: 'none' })
  note(figures, `a GB produced, ${options.storage}`, of, await settled(read, context))
  await runClient('consume', { brokers, pid, topic, clients: 1, times: 1 })
  note(figures, `a GB produced and consumed, ${options.storage}`, of, await settled(read, context))
  context.progress(`${of}, ${options.storage}: ${(read().residentBytes / MIB).toFixed(0)} MiB after a GB`)
}

/** Kafka makes the coordinator's topic with its 50 partitions for the first group. */
async function coordinatorIsThere(port: number): Promise<void> {
  const connection = await BenchConnection.open(port)
  await joinOneGroup([connection], 'first')
  connection.close()
}

async function settled(read: Read, { short }: MeasureContext): Promise<Memory> {
  await pause(short ? SHORT_SETTLING_MS : SETTLING_MS)
  return read()
}

function note(figures: Collector, name: string, of: string, { residentBytes, privateBytes }: Memory): void {
  const add = (figure: string, bytes: number): void =>
    figures.add({ case: name, figure, unit: 'MiB', better: 'less', of }, bytes / MIB)
  add('resident', residentBytes)
  add('of it private', privateBytes)
}

function noteEach(
  figures: Collector,
  what: string,
  count: number,
  of: string,
  before: Memory,
  after: Memory,
): void {
  figures.add(
    {
      case: `each of ${count.toLocaleString('en')}`,
      figure: what,
      unit: 'KiB',
      better: 'less',
      of,
    },
    (after.privateBytes - before.privateBytes) / count / KIB,
  )
}
