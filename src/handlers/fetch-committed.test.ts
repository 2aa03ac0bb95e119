import { describe, expect, it } from 'vitest'
import { Partition } from '../replica/partition.ts'
import type { FetchRequest } from '../wire/messages/fetch.ts'
import { buildBatch } from '../wire/records.ts'
import { fetchHandler } from './fetch.ts'
import { batchOf, fetched, fetchRequest, isSettled, produce, testBroker } from './harness.suite.ts'

const READ_COMMITTED = 1

async function setUp() {
  const broker = await testBroker({ topics: ['a', 'b'] })
  const { services } = broker
  const partition = (topic = 'a'): Partition => {
    const found = services.replicas.locate({
      topic,
      topicId: services.metadata.topic(topic)?.id ?? '',
      index: 0,
      position: { offset: 0n, maxBytes: 0, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
    })
    if (!(found instanceof Partition)) throw found
    return found
  }
  return {
    ...broker,
    broker,
    partition,
    /** Two records of an open transaction. */
    async append(producerId: bigint, baseSequence: number, topic = 'a'): Promise<void> {
      // Of now, as the markers are, so that these do not begin new segments.
      const timestamp = BigInt(broker.clock.now())
      const values = ['x', 'y'].map((value) => ({ key: null, value: Buffer.from(value), timestamp }))
      const options = { producerId, producerEpoch: 0, baseSequence, isTransactional: true }
      partition(topic).append(await partition(topic).prepare(buildBatch(values, options)))
    },
    end(producerId: bigint, commit: boolean, topic = 'a'): void {
      const marker = { producerId, producerEpoch: 0, coordinatorEpoch: 0, commit, transactionVersion: 1 }
      partition(topic).appendMarker(marker)
    },
    fetch: (offset: bigint, more: Partial<FetchRequest> = {}, topics: readonly string[] = ['a']) =>
      broker.ask(
        fetchHandler,
        12,
        fetchRequest(
          topics.map((topic) => ({ topic, offset })),
          { isolationLevel: READ_COMMITTED, ...more },
        ),
      ),
  }
}

describe('fetch of committed records', () => {
  it('ends at the last stable offset, and names aborted transactions', async () => {
    const { append, end, fetch, broker } = await setUp()
    await append(5n, 0)
    end(5n, false)
    await append(6n, 0)
    await produce(broker, 'a', batchOf('plain'))
    const { responses } = await fetch(0n)
    expect(responses[0]?.partitions).toMatchObject([
      { highWatermark: 6n, lastStableOffset: 3n, abortedTransactions: [{ producerId: 5n, firstOffset: 0n }] },
    ])
    expect(fetched(await fetch(0n))).toEqual(['a-0: 2'])
    expect(fetched(await fetch(0n, { isolationLevel: 0 }))).toEqual(['a-0: 4'])
  })

  it('does not take records of open transactions for enough', async () => {
    const { append, end, fetch, broker, clock } = await setUp()
    await append(5n, 0)
    const waiting = fetch(0n, { maxWaitMs: 1000 })
    await append(5n, 2)
    await produce(broker, 'a', batchOf('plain'))
    expect(await isSettled(waiting)).toBe(false)
    end(5n, true)
    expect(fetched(await waiting)).toEqual(['a-0: 4'])
    await append(5n, 4)
    const late = fetch(6n, { maxWaitMs: 1000 })
    await clock.advance(999)
    expect(await isSettled(late)).toBe(false)
    await clock.advance(1)
    expect(fetched(await late)).toEqual(['a-0: 0'])
  })

  it('waits on when a transaction that ends lets it see too little', async () => {
    const { append, end, fetch } = await setUp()
    await append(5n, 0)
    await append(6n, 0)
    for (let sequence = 2; sequence < 20; sequence += 2) await append(6n, sequence)
    const waiting = fetch(0n, { maxWaitMs: 1000, minBytes: 500 })
    end(5n, true)
    expect(await isSettled(waiting)).toBe(false)
    end(6n, true)
    expect(fetched(await waiting)).toEqual(['a-0: 13'])
  })

  it('is answered in time with what little there is', async () => {
    const { append, end, fetch, clock, partition } = await setUp()
    await append(5n, 0)
    await append(6n, 0)
    const waiting = fetch(0n, { maxWaitMs: 1000, minBytes: 500 })
    end(5n, true)
    await clock.advance(400)
    expect(await isSettled(waiting)).toBe(false)
    expect(partition().watcherCount).toBe(1)
    await clock.advance(600)
    expect(fetched(await waiting)).toEqual(['a-0: 1'])
    expect(partition().watcherCount).toBe(0)
  })

  it('a session hears of a last stable offset that has moved', async () => {
    const { append, end, fetch } = await setUp()
    await append(5n, 0)
    const { sessionId = 0 } = await fetch(0n, { sessionEpoch: 0 }, ['a', 'b'])
    const next = (sessionEpoch: number, maxWaitMs = 0) =>
      fetch(0n, { sessionId, sessionEpoch, maxWaitMs, topics: [] }, [])
    expect(fetched(await next(1))).toEqual([])
    await append(5n, 2)
    // The high watermark is news, though there is nothing to read.
    expect(fetched(await next(2))).toEqual(['a-0: 0'])
    const waiting = next(3, 1000)
    expect(await isSettled(waiting)).toBe(false)
    end(5n, true)
    expect(fetched(await waiting)).toEqual(['a-0: 3'])
  })
})
