/** Large requests to a store that takes its time: they wait, outside of the memory, and nobody else does. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { startBroker } from '../cluster.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { produceApi } from '../wire/messages/produce.ts'
import { Reader, ZERO_UUID } from '../wire/reader.ts'
import { buildBatch } from '../wire/records.ts'
import { frameOf, heartbeat, RawClient } from './raw-client.suite.ts'

const MIB = 2 ** 20
const CLIENTS = 8
const REQUEST_BYTES = 12 * MIB
const QUEUED_BYTES = 32 * MIB
const CONFIG = {
  'message.max.bytes': `${2 * REQUEST_BYTES}`,
  'socket.request.max.bytes': `${2 * REQUEST_BYTES}`,
  'queued.max.request.bytes': `${QUEUED_BYTES}`,
}

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

function bufferBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

it('bounds what large requests take while the disk is slow, answers others, and loses none', async () => {
  const store = new SlowStore(new MemoryStore())
  const broker = await startBroker({ store, topics: ['large'], config: CONFIG })
  const port = Number(broker.bootstrapServers.split(':').at(-1))
  const bystander = await RawClient.connect(port)
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect(port)))
  const frame = largeRequest()
  const before = bufferBytes()
  store.held = true
  for (const client of clients) client.send(frame)
  await until(() => store.waiting.length > 0)
  let most = 0
  for (let count = 0; count < 50; count++) {
    bystander.send(heartbeat('group', count))
    expect(await bystander.correlationIds(1)).toEqual([count])
    most = Math.max(most, bufferBytes() - before)
  }
  expect(most).toBeLessThan(QUEUED_BYTES)
  store.held = false
  while (store.waiting.length > 0) await store.release()
  const codes = await Promise.all(clients.map(async (client) => errorCodeOf(await client.answer())))
  expect(codes).toEqual(clients.map(() => 0))
  for (const { socket } of [bystander, ...clients]) socket.destroy()
  await broker.stop()
})

function largeRequest(): Buffer {
  const records = buildBatch([{ value: Buffer.alloc(REQUEST_BYTES) }])
  const topicData = [{ name: 'large', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }]
  return frameOf(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData })
}

function errorCodeOf(answer: Buffer | null): number | undefined {
  if (answer === null) return undefined
  const reader = new Reader(answer, 4)
  reader.skipTags()
  return produceApi.response.read(reader, 9).responses[0]?.partitionResponses[0]?.errorCode
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise(setImmediate)
}
