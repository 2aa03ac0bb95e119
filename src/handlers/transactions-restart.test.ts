/** A broker that goes away in the middle of a transaction: after each request, and after each write to the store. */
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { type TestBroker, testBroker } from './harness.suite.ts'
import {
  committedOffset,
  committedValues,
  type Protocol,
  TransactionalProducer,
} from './transactional-producer.suite.ts'

const TOPICS = ['a', 'b']
/** Few of each, since every start opens them all. */
const CONFIG = { 'transaction.state.log.num.partitions': '2', 'offsets.topic.num.partitions': '2' }
const GROUP = 'g'
const RETRIABLE = ['CONCURRENT_TRANSACTIONS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR']

/** A transaction over two topics and a group, step by step. */
const steps = (committed: boolean): readonly ((producer: TransactionalProducer) => Promise<string>)[] => [
  (producer) => producer.write('a', ['1', '2']),
  (producer) => producer.write('b', ['3']),
  (producer) => producer.commitOffset(GROUP, 'a', 7n),
  (producer) => producer.send('a', ['4']),
  (producer) => producer.end(committed),
]

/** Everything that the transaction is to change, as others see it. */
async function seen(broker: TestBroker) {
  return {
    a: await committedValues(broker, 'a'),
    b: await committedValues(broker, 'b'),
    offset: await committedOffset(broker, GROUP, 'a'),
  }
}
const ALL = { a: ['1', '2', '4'], b: ['3'], offset: 7n }
const NOTHING = { a: [], b: [], offset: -1n }

async function started(broker: TestBroker, protocol: Protocol): Promise<TransactionalProducer> {
  const producer = new TransactionalProducer(broker, protocol)
  for (let answer = ''; answer !== 'NONE'; ) {
    answer = await producer.init()
    if (answer !== 'NONE') expect(RETRIABLE).toContain(answer)
    await broker.clock.advance(10)
  }
  return producer
}

describe.each(['V1', 'V2'] as const)('transactions %s, and a broker that is started again', (protocol) => {
  const all = steps(true)
  it.each(all.map((_, at) => at))('go on after step %i', async (at) => {
    for (const committed of [true, false]) {
      const store = new MemoryStore()
      let broker = await testBroker({ store, topics: TOPICS, config: CONFIG })
      const producer = await started(broker, protocol)
      for (const [index, step] of steps(committed).entries()) {
        expect(await step(producer)).toBe('NONE')
        if (index !== at) continue
        // Nothing is closed: the broker is gone.
        broker = await testBroker({ store, topics: TOPICS, config: CONFIG })
        producer.broker = broker
      }
      expect(await seen(broker)).toEqual(committed ? ALL : NOTHING)
      expect(await producer.write('a', ['next'])).toBe('NONE')
      expect(await producer.end(true)).toBe('NONE')
      expect((await seen(broker)).a).toEqual([...(committed ? ALL.a : []), 'next'])
      expect(broker.lines).toEqual([])
    }
  })

  it.each([true, false])('are all or nothing, whatever was written last (commit: %s)', async (committed) => {
    for (let writes = 0; ; writes++) {
      const outcome = await crashAfter(writes, protocol, committed)
      if (outcome === 'no crash') {
        expect(writes).toBeGreaterThan(10)
        return
      }
    }
  })
})

/** Runs the transaction until the store has been written to so often, and looks at what a new broker makes of it. */
async function crashAfter(
  writes: number,
  protocol: Protocol,
  committed: boolean,
): Promise<'crash' | 'no crash'> {
  const inner = new MemoryStore()
  const store = new SlowStore(inner)
  const producer = await started(await testBroker({ store, topics: TOPICS, config: CONFIG }), protocol)
  store.held = true
  let acknowledged = false
  const run = async (): Promise<void> => {
    for (const step of steps(committed)) expect(await step(producer)).toBe('NONE')
    acknowledged = true
  }
  const running = run()
  running.catch(() => {})
  for (let released = 0; released < writes; released++) {
    for (let turn = 0; turn < 5 && store.waiting.length === 0 && !acknowledged; turn++)
      await turnOfEventLoop()
    if (store.waiting.length === 0) break
    await store.release()
  }
  await turnOfEventLoop()
  const wasAcknowledged = acknowledged
  const idle = store.waiting.length === 0

  // What still waits for the store never gets there.
  const broker = await testBroker({ store: inner, topics: TOPICS, config: CONFIG })
  const next = await started(broker, protocol)
  const found = await seen(broker)
  const possible = wasAcknowledged ? [committed ? ALL : NOTHING] : [committed ? ALL : NOTHING, NOTHING]
  expect(possible).toContainEqual(found)
  expect(await next.write('a', ['next'])).toBe('NONE')
  expect(await next.commitOffset(GROUP, 'a', 9n)).toBe('NONE')
  expect(await next.end(true)).toBe('NONE')
  expect(await seen(broker)).toEqual({ a: [...found.a, 'next'], b: found.b, offset: 9n })
  expect(broker.lines).toEqual([])
  return wasAcknowledged && idle ? 'no crash' : 'crash'
}

const turnOfEventLoop = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve))
