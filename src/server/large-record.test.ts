/** A record that is a thousand times what it takes on the wire: accepted, as Kafka does, and nobody else notices. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { startCluster } from '../cluster.ts'
import { Codec } from '../wire/batch.ts'
import { apiVersionsApi } from '../wire/messages/api-versions.ts'
import { produceApi } from '../wire/messages/produce.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { buildCompressedBatch } from '../wire/records.ts'
import { RawClient } from './raw-client.suite.ts'

const RECORD_BYTES = 64 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What is alive beside the JavaScript heap, which is where buffers are. */
function bufferBytes(): number {
  collectGarbage()
  return process.memoryUsage().external
}

it('takes a record of 64 MB in a small gzip batch in bounded memory, and serves the others meanwhile', async () => {
  await using cluster = await startCluster({ topics: ['large'] })
  const port = Number(cluster.bootstrapServers.split(':').at(-1))
  const [producer, bystander] = await Promise.all([RawClient.connect(port), RawClient.connect(port)])
  const records = await buildCompressedBatch([{ value: Buffer.alloc(RECORD_BYTES) }], Codec.GZIP)
  expect(records.length).toBeLessThan(128 * 1024)
  const partitionData = [{ index: 0, records }]
  const topicData = [{ name: 'large', topicId: ZERO_UUID, partitionData }]
  let answered = false
  const produced = producer
    .request(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData })
    .finally(() => {
      answered = true
    })
  const before = bufferBytes()
  let most = before
  let served = 0
  while (!answered) {
    await bystander.request(apiVersionsApi, 0, { clientSoftwareName: '', clientSoftwareVersion: '' })
    if (served++ % 8 === 0) most = Math.max(most, bufferBytes())
  }
  expect((await produced).responses[0]?.partitionResponses).toMatchObject([{ errorCode: 0, baseOffset: 0n }])
  expect(most - before).toBeLessThan(RECORD_BYTES / 4)
  expect(served).toBeGreaterThan(5)
  producer.socket.destroy()
  bystander.socket.destroy()
})
