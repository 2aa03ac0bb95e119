/** The history in which the power goes away: a bit of all that changes a disk. */
import type { TransactionalProducer } from '../transactional-producer.suite.ts'
import { Client, type Configs } from './client.suite.ts'
import type { Ledger } from './ledger.suite.ts'
import type { World } from './world.suite.ts'

export interface Stage {
  readonly ledger: Ledger
  /** Stops the broker that runs. */
  stop(): Promise<void>
  /** Starts the next one. */
  start(): Promise<World>
}

/** Few batches to a segment. */
const SMALL: Configs = { 'internal.segment.bytes': '400', 'file.delete.delay.ms': '1000' }
const TABLE: Configs = {
  ...SMALL,
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '0',
}

export async function runHistory(first: World, { ledger, stop, start }: Stage): Promise<void> {
  const client = new Client(first.broker, ledger)
  await client.create('plain', 2, SMALL)
  await client.create('sequenced', 1, SMALL)
  await client.create('out', 1, SMALL)
  await client.create('other', 1, SMALL)
  await client.create('table', 1, TABLE)
  await client.create('gone', 1, {})
  const producerId = await client.producerId()
  await produceSome(client, producerId)
  const producers = {
    second: await client.transactional('second', 'V2'),
    first: await client.transactional('first', 'V1'),
    open: await client.transactional('open', 'V2'),
  }
  await transact(client, producers)
  await fillTable(client, 0)
  await first.cleaner.compact()
  await changeTopics(client)
  await first.clock.advance(61_000)
  await client.produce('plain', ['p11'])

  await ledger.ask({ kind: 'stop' }, stop)
  const next = await start()
  client.broker = next.broker
  const sequence = { producerId, producerEpoch: 0 }
  await client.produce('sequenced', ['s5', 's6'], 0, { ...sequence, baseSequence: 5 })
  const committed = client.transaction(producers.second)
  await committed.write('out', 'o9')
  await committed.write('other', 'x9')
  await committed.commitOffset(9n)
  await committed.end(true)
  await fillTable(client, 3)
  // What was left open times out.
  await next.clock.advance(70_000)
  await next.cleaner.compact()
  await client.produce('plain', ['p12', 'p13'])
  await client.commitOffset(12n)
  await client.produce('out', ['o10'])
  const last = client.transaction(producers.first)
  await last.write('other', 'x10')
  await last.commitOffset(11n)
  await last.end(true)
  const left = client.transaction(producers.second)
  await left.write('out', 'o11')
  await left.write('other', 'x11')
}

async function produceSome(client: Client, producerId: bigint): Promise<void> {
  await client.produce('plain', ['p0'])
  await client.produce('plain', ['p1', 'p2'])
  await client.commitOffset(1n)
  // What is asked for together is flushed together.
  const sequence = { producerId, producerEpoch: 0 }
  await Promise.all([
    client.produce('plain', ['p3']),
    client.produce('plain', ['p4']),
    client.produce('plain', ['q0'], 1),
    client.produce('plain', ['p5']),
    client.produce('sequenced', ['s0'], 0, { ...sequence, baseSequence: 0 }),
    client.produce('sequenced', ['s1', 's2'], 0, { ...sequence, baseSequence: 1 }),
    client.produce('sequenced', ['s3'], 0, { ...sequence, baseSequence: 3 }),
    client.commitOffset(2n),
  ])
  await client.produce('gone', ['g0'])
  await client.produce('plain', ['p6', 'p7'])
  await client.produce('plain', [`long ${'x'.repeat(300)}`])
  await client.produce('plain', ['p8'])
  await client.produce('sequenced', ['s4'], 0, { ...sequence, baseSequence: 4 })
  await client.commitOffset(3n)
}

interface Producers {
  readonly first: TransactionalProducer
  readonly second: TransactionalProducer
  readonly open: TransactionalProducer
}

async function transact(client: Client, { first, second, open }: Producers): Promise<void> {
  const committed = client.transaction(second)
  await committed.write('out', 'o0', 'o1')
  await committed.write('other', 'x0')
  await committed.commitOffset(1n)
  await committed.end(true)

  const dangling = client.transaction(open)
  await dangling.write('other', 'x1')

  const aborted = client.transaction(second)
  await aborted.write('out', 'o2')
  await aborted.write('other', 'x2')
  await aborted.commitOffset(2n)
  await aborted.end(false)

  const older = client.transaction(first)
  await older.write('out', 'o3')
  await older.write('other', 'x3')
  await older.commitOffset(3n)
  await older.write('out', 'o4', 'o5')
  await older.end(true)

  const abortedToo = client.transaction(first)
  await abortedToo.write('out', 'o6')
  await abortedToo.end(false)

  const third = client.transaction(second)
  const between = client.produce('out', ['o7'])
  await third.write('out', 'o8')
  await between
  await third.write('other', 'x4')
  await third.commitOffset(4n)
  await third.end(true)
}

async function fillTable(client: Client, from: number): Promise<void> {
  for (let version = from; version < from + 3; version++) {
    await client.produce('table', [`a=${version}`, `b=${version}`])
    await client.produce('table', [`c=${version}${'c'.repeat(150)}`, `a=${version}.1`])
  }
}

async function changeTopics(client: Client): Promise<void> {
  const kept = { ...SMALL, 'retention.ms': '123456789' }
  await client.configure('plain', 'retention.ms', '123456789', kept)
  await client.deleteRecords('plain', 7n)
  await client.delete('gone')
  await client.produce('plain', ['p9'])
  await client.create('gone', 2, SMALL)
  await client.produce('gone', ['h0'])
  await client.produce('gone', ['h1'], 1)
  await client.grow('plain', 3, kept)
  await client.produce('plain', ['r0'], 2)
  await client.commitOffset(8n)
  await client.produce('plain', ['p10'])
}
