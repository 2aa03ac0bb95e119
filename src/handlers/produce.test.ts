import { expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import type { ProduceRequest } from '../wire/messages/produce.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { batchOf, produceRequest, type TestBroker, testBroker } from './harness.suite.ts'
import { produceHandler } from './produce.ts'

/** Each partition's answer as `topic-partition: base offset` or its error code. */
async function answers(broker: TestBroker, request: ProduceRequest): Promise<string[]> {
  const { responses } = await broker.ask(produceHandler, 9, request)
  return responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(
      ({ index, errorCode, baseOffset }) =>
        `${name}-${index}: ${errorCode === ErrorCode.NONE ? baseOffset : `error ${errorCode}`}`,
    ),
  )
}

function topicData(name: string, ...indexes: number[]): ProduceRequest['topicData'][number] {
  return {
    name,
    topicId: ZERO_UUID,
    partitionData: indexes.map((index) => ({ index, records: batchOf('v') })),
  }
}

function request(...topics: ProduceRequest['topicData'][number][]): ProduceRequest {
  return { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData: topics }
}

it('a topic that is named twice is answered once, and so is a partition', async () => {
  const broker = await testBroker({ topics: [{ name: 'a', partitions: 3 }, 'b'] })
  const twice = request(topicData('a', 0, 1), topicData('b', 0), topicData('a', 1, 2), topicData('b'))
  expect(await answers(broker, twice)).toEqual(['a-0: 0', 'a-1: 0', 'a-2: 0', 'b-0: 0'])
  expect(await answers(broker, request(topicData('a', 1)))).toEqual(['a-1: 1'])
})

it('a topic that is named very often does not cost the square of that', async () => {
  const broker = await testBroker({ topics: ['a'] })
  const often = { ...request(), topicData: Array.from({ length: 200_000 }, () => topicDataOf('a', EMPTY)) }
  expect(await answers(broker, often)).toEqual([`a-0: error ${ErrorCode.INVALID_RECORD}`])
})

it('a failing partition leaves the others alone', async () => {
  const broker = await testBroker({ topics: ['a'] })
  expect(await answers(broker, request(topicData('x', 0), topicData('a', 7, 0)))).toEqual([
    `x-0: error ${ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}`,
    `a-7: error ${ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}`,
    'a-0: 0',
  ])
})

it('a transactional id alone makes no transaction', async () => {
  const broker = await testBroker({ topics: ['a'] })
  expect(await answers(broker, { ...request(topicData('a', 0)), transactionalId: 'txn' })).toEqual(['a-0: 0'])
})

it('acks=0 is owed no answer, and an error closes the connection', async () => {
  const { call } = await testBroker({ topics: ['a'] })
  expect(produceHandler.handle(produceRequest('a', 0, batchOf('v'), 0), call(9))).toBeNull()
  expect(() => produceHandler.handle(produceRequest('x', 0, batchOf('v'), 0), call(9))).toThrow(
    'acks=0 failed on x-0',
  )
})

it('only the broker, and those who speak for it, write to internal topics', async () => {
  const { call } = await testBroker({ topics: ['__consumer_offsets'] })
  const errorFor = async (clientId: string) => {
    const asked = produceRequest('__consumer_offsets', 0, batchOf('v'))
    const response = await produceHandler.handle(asked, call(9, { clientId }))
    return response?.responses[0]?.partitionResponses[0]?.errorCode
  }
  expect(await errorFor('test')).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
  // The topic is compacted, and the record has no key.
  expect(await errorFor('__admin_client')).not.toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
})

const EMPTY = Buffer.alloc(0)

function topicDataOf(name: string, records: Buffer): ProduceRequest['topicData'][number] {
  return { name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }
}
