/** What a stop finds half done, and must leave as it is. */
import { expect, it } from 'vitest'
import type { LogId, StoredLog } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
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

  #failing(stored: StoredLog): StoredLog {
    const append = stored.append.bind(stored)
    return Object.assign(stored, {
      append: (frames: Parameters<StoredLog['append']>[0]) => {
        if (this.fails) {
          this.#isLate = true
          throw new Error('EIO')
        }
        return append(frames)
      },
    })
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
