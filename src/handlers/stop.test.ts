/** What a stop finds half done, and must leave as it is. */
import { expect, it } from 'vitest'
import { startBroker } from '../cluster.ts'
import { frameOf, RawClient } from '../server/raw-client.suite.ts'
import type { LogId } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { endTxnApi } from '../wire/messages/end-txn.ts'
import { findCoordinatorApi } from '../wire/messages/find-coordinator.ts'
import { initProducerIdApi } from '../wire/messages/init-producer-id.ts'
import { produceApi } from '../wire/messages/produce.ts'
import { buildBatch } from '../wire/records.ts'
import { fetchHandler } from './fetch.ts'
import {
  batchOf,
  fetched,
  fetchRequest,
  isSettled,
  produce,
  produceRequest,
  testBroker,
} from './harness.suite.ts'
import { produceHandler } from './produce.ts'

/** Fails once, and takes its time to open the log again. */
class ReopeningStore extends MemoryStore {
  fails = false
  #isLate = false
  readonly #held: (() => void)[] = []

  override open(id: LogId, epoch: number): ReturnType<MemoryStore['open']> {
    if (id.topic !== 'a') return super.open(id, epoch)
    if (!this.#isLate) return this.#failing(super.open(id, epoch))
    return new Promise<void>((go) => this.#held.push(go)).then(() => super.open(id, epoch)) as never
  }

  /** From here on nothing is late. */
  release(): void {
    this.fails = false
    this.#isLate = false
    for (const go of this.#held.splice(0)) go()
  }

  #failing(stored: ReturnType<MemoryStore['open']>): ReturnType<MemoryStore['open']> {
    const append = stored.append.bind(stored)
    stored.append = (frames) => {
      if (this.fails) {
        this.#isLate = true
        throw new Error('EIO')
      }
      append(frames)
    }
    return stored
  }
}

it('a log that is being opened anew when the broker stops keeps what it has', async () => {
  const store = new ReopeningStore()
  const broker = await testBroker({ store, topics: ['a'] })
  await produce(broker, 'a', batchOf('kept'))
  store.fails = true
  const { responses } = await broker.ask(produceHandler, 9, produceRequest('a', 0, batchOf('lost')))
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  await broker.ask(produceHandler, 9, produceRequest('a', 0, batchOf('lost')))
  const closed = broker.services.replicas.close()
  expect(await isSettled(closed)).toBe(false)
  store.release()
  await closed
  await broker.services.controller.close()
  const next = await testBroker({ store })
  expect(fetched(await next.ask(fetchHandler, 12, fetchRequest([{ topic: 'a' }])))).toEqual(['a-0: 1'])
})

/** Flushes one topic when it is told to. */
class UnflushedStore extends MemoryStore {
  readonly flushing: (() => void)[] = []

  override open(id: LogId, epoch: number): ReturnType<MemoryStore['open']> {
    const stored = super.open(id, epoch)
    const held = () => new Promise<void>((done) => this.flushing.push(done))
    if (id.topic === 'a') Object.assign(stored, { flush: held })
    return stored
  }
}

it('whoever waits for the end of a transaction whose marker is not safe yet is told of the decision', async () => {
  const store = new UnflushedStore()
  const broker = await startBroker({ store, topics: [{ name: 'a', config: { 'flush.messages': '2' } }] })
  const client = await RawClient.connect(Number(broker.bootstrapServers.split(':')[1]))
  await client.request(findCoordinatorApi, 4, { key: '', keyType: 1, coordinatorKeys: ['t'] })
  const producer = await client.request(initProducerIdApi, 5, {
    transactionalId: 't',
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  const { producerId = -1n, producerEpoch = -1 } = producer
  const options = { producerId, producerEpoch, baseSequence: 0, isTransactional: true }
  const records = buildBatch([{ key: null, value: Buffer.from('v'), timestamp: 1n }], options)
  const { responses } = await client.request(produceApi, 12, {
    ...produceRequest('a', 0, records),
    transactionalId: 't',
  })
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
  client.send(frameOf(endTxnApi, 4, { transactionalId: 't', producerId, producerEpoch, committed: true }))
  while (store.flushing.length === 0) await new Promise((turn) => setImmediate(turn))
  const stopped = broker.stop()
  const answer = await client.answer()
  // Correlation id, tagged fields, throttle time, error.
  expect(answer?.readInt16BE(4 + 1 + 4)).toBe(ErrorCode.NONE)
  while (store.flushing.length > 0) store.flushing.shift()?.()
  await stopped
  await client.closed()
})
