/** A disk that is full, read-only, or cannot be read for a while: what was acknowledged is there afterwards, once. */
import { expect, it } from 'vitest'
import { openTestStore } from '../storage/file-store.suite.ts'
import { SimulatedDisk } from '../storage/simulated-disk.suite.ts'
import { wholeBatches } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { buildBatch, readRecords } from '../wire/records.ts'
import { fetchHandler } from './fetch.ts'
import { fetchRequest, produceRequest, testBroker } from './harness.suite.ts'
import { produceHandler } from './produce.ts'

const { KAFKA_STORAGE_ERROR } = ErrorCode

type Fault = (disk: SimulatedDisk) => void

const faults: readonly (readonly [name: string, fault: Fault])[] = [
  ['is full', (disk) => Object.assign(disk, { freeBytes: 30 })],
  ['is read-only', (disk) => Object.assign(disk, { readOnly: true })],
  [
    'fails for one log',
    (disk) =>
      Object.assign(disk, {
        failure: (operation: string, path: string) =>
          path.includes('/a-0/') && operation !== 'open' ? 'EIO' : null,
      }),
  ],
]

it.each(faults)('a disk that %s', async (name, fault) => {
  const disk = new SimulatedDisk()
  const { store } = await openTestStore(disk)
  const broker = await testBroker({ store, topics: ['a', 'b'] })
  const acknowledged: string[] = []
  let sequence = 0
  const send = async (topic: string, value: string) => {
    const records = buildBatch([{ key: null, value: Buffer.from(value), timestamp: 1n }], {
      producerId: 5n,
      producerEpoch: 0,
      baseSequence: sequence,
    })
    const { responses } = await broker.ask(produceHandler, 9, produceRequest(topic, 0, records))
    await new Promise((resolve) => setImmediate(resolve))
    return responses[0]?.partitionResponses[0]?.errorCode
  }
  /** As a producer does: the same batch again until it is taken. */
  const sendUntilTaken = async (value: string): Promise<void> => {
    for (let attempt = 0; attempt < 20; attempt++) {
      if ((await send('a', value)) !== 0) continue
      acknowledged.push(value)
      sequence++
      return
    }
    throw new Error(`${value} is not taken`)
  }
  for (let index = 0; index < 5; index++) await sendUntilTaken(`before ${index}`)
  fault(disk)
  for (let index = 0; index < 5; index++) expect(await send('a', 'during')).toBe(KAFKA_STORAGE_ERROR)
  if (name.includes('one log')) expect(await send('b', 'beside')).toBe(0)
  expect(broker.lines.filter((line) => line.startsWith('a-0'))).toEqual(['a-0 is offline'])
  disk.freeBytes = Number.POSITIVE_INFINITY
  disk.readOnly = false
  disk.failure = () => null
  await sendUntilTaken('during')
  for (let index = 0; index < 5; index++) await sendUntilTaken(`after ${index}`)
  const answer = await broker.ask(fetchHandler, 12, fetchRequest([{ topic: 'a' }], { maxWaitMs: 0 }))
  const bytes = Buffer.concat([answer.responses[0]?.partitions[0]?.records ?? []].flat())
  const values: string[] = []
  for (const position of wholeBatches(bytes)) {
    for (const { value } of await readRecords(bytes, position)) values.push(String(value))
  }
  expect(values).toEqual(acknowledged)
  expect(broker.lines.filter((line) => line.startsWith('a-0'))).toEqual(['a-0 is offline'])
})
