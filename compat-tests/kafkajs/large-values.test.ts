/** Requests of every size class of the broker's memory: none may be overwritten while something still looks at it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { startCluster } from '../../src/index.ts'
import { unique } from '../broker.ts'

const SIZES = [100, 9_000, 9_000, 9_000, 17_000, 20_000, 40_000, 70_000, 300_000]
const PAIRS = 35

/** Its number, and then that number in each byte. */
function valueAt(index: number): Buffer {
  const size = SIZES[(index >> 1) % SIZES.length] as number
  const value = Buffer.alloc(size, index + 1)
  value.writeUInt32BE(index)
  return value
}

function newFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'ottla-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

test.each([
  ...[0, 1, -1].map((acks) => ({ acks, storage: 'memory' })),
  ...[0, 1, -1].map((acks) => ({ acks, storage: 'a directory' })),
])(
  'values of any size come back as they went in, with acks=$acks and logs in $storage',
  async ({ acks, storage }) => {
    using folder = storage === 'memory' ? undefined : newFolder()
    const dataDir = folder?.path
    await using cluster = await startCluster({ port: 0, ...(dataDir && { dataDir }) })
    const kafka = new Kafka({ brokers: [cluster.bootstrapServers], logLevel: logLevel.NOTHING })
    const topic = unique('values')
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    const producer = kafka.producer()
    await producer.connect()
    // Each pair is a request of its own, and they follow one another without waiting.
    await Promise.all(
      Array.from({ length: PAIRS }, (_, index) =>
        producer.send({
          topic,
          acks,
          messages: [0, 1].map((partition) => ({ partition, value: valueAt(2 * index + partition) })),
        }),
      ),
    )
    const consumer = kafka.consumer({ groupId: unique('group') })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const seen: Buffer[] = []
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ message: { value } }) => {
            seen.push(value ?? Buffer.alloc(0))
            if (seen.length === 2 * PAIRS) resolve()
          },
        })
        .catch(reject)
    })
    const changed = seen.filter((value) => !value.equals(valueAt(value.readUInt32BE(0))))
    expect(changed.map(({ length }) => length)).toEqual([])
    expect(new Set(seen.map((value) => value.readUInt32BE(0))).size).toBe(2 * PAIRS)
    await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
  },
)
