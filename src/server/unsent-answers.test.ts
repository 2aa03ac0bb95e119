/** Clients that do not read their answers: what waits for them is bounded, and nobody else notices. */
import { expect, it } from 'vitest'
import { startBroker } from '../cluster.ts'
import { UnsentAnswers } from '../handlers/unsent-answers.ts'
import { type FetchRequest, fetchApi } from '../wire/messages/fetch.ts'
import { produceApi } from '../wire/messages/produce.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildBatch } from '../wire/records.ts'
import { frameOf, RawClient } from './raw-client.suite.ts'

const MIB = 2 ** 20

it('gives a fetch less the more waits to be sent, and lets go of who reads slowest when it is too much', () => {
  const unsent = new UnsentAnswers(100)
  const gone: number[] = []
  const readers = [0, 1, 2].map((index) => ({ destroy: () => gone.push(index) }))
  expect([unsent.limit(30), unsent.limit(80)]).toEqual([30, 50])
  unsent.add(readers[0]!, 40)
  unsent.add(readers[1]!, 40)
  expect([unsent.limit(30), gone]).toEqual([10, []])
  unsent.remove(readers[0]!)
  unsent.add(readers[0]!, 50)
  unsent.add(readers[2]!, 40)
  expect([unsent.bytes, unsent.limit(30), gone]).toEqual([90, 5, [1]])
  unsent.add(readers[2]!, 200)
  expect([unsent.bytes, unsent.limit(30), gone]).toEqual([200, 0, [1, 0]])
  for (const reader of readers) unsent.remove(reader)
  expect(unsent.bytes).toBe(0)
})

it('counts what a client does not read, and gives others a batch at a time when that is much', async () => {
  const broker = await startBroker({ topics: ['topic'] })
  const { unsent } = broker.services
  const port = Number(broker.bootstrapServers.split(':').at(-1))
  const [producer, stalled] = await Promise.all([RawClient.connect(port), RawClient.connect(port)])
  const records = buildBatch([{ value: Buffer.alloc(900_000) }])
  for (let sent = 0; sent < 12; sent++) {
    const partitionData = [{ index: 0, records: Buffer.from(records) }]
    const topicData = [{ name: 'topic', topicId: ZERO_UUID, partitionData }]
    await producer.request(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
  }
  stalled.socket.pause()
  stalled.send(frameOf(fetchApi, 12, FETCH))
  await until(() => unsent.bytes > 0)
  // The kernel's buffers take a part of it.
  expect(unsent.bytes).toBeGreaterThan(4 * MIB)
  const others = { destroy: () => {} }
  unsent.add(others, Number.MAX_SAFE_INTEGER)
  expect((await producer.request(fetchApi, 12, FETCH)).responses[0]?.partitions[0]?.records?.length).toBe(
    records.length,
  )
  unsent.remove(others)
  stalled.socket.resume()
  await until(() => stalled.ended)
  expect(unsent.bytes).toBe(0)
  producer.socket.destroy()
  stalled.socket.destroy()
  await broker.stop()
})

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(setImmediate)
}

const PARTITION = {
  partition: 0,
  currentLeaderEpoch: -1,
  fetchOffset: 0n,
  lastFetchedEpoch: -1,
  logStartOffset: -1n,
  partitionMaxBytes: 50 * MIB,
  replicaDirectoryId: ZERO_UUID,
  highWatermark: -1n,
}
const FETCH: FetchRequest = {
  clusterId: null,
  replicaId: -1,
  replicaState: { replicaId: -1, replicaEpoch: -1n },
  maxWaitMs: 100,
  minBytes: 1,
  maxBytes: 50 * MIB,
  isolationLevel: 0,
  sessionId: 0,
  sessionEpoch: -1,
  topics: [{ topic: 'topic', topicId: ZERO_UUID, partitions: [PARTITION] }],
  forgottenTopicsData: [],
  rackId: '',
}
