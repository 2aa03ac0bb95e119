/** Requests of administrators that are too much, too odd, or that come while others are at work. */
import { describe, expect, it } from 'vitest'
import { ConfigResourceType } from '../metadata/metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { createTopicsHandler } from './create-topics.ts'
import { fetchHandler } from './fetch.ts'
import {
  batchOf,
  fetched,
  fetchRequest,
  isSettled,
  produce,
  produceRequest,
  type TestBroker,
  testBroker,
} from './harness.suite.ts'
import { incrementalAlterConfigsHandler } from './incremental-alter-configs.ts'
import { metadataHandler } from './metadata.ts'
import { produceHandler } from './produce.ts'

const SET = 0

function setTopicConfig(broker: TestBroker, topic: string, name: string, value: string) {
  const configs = [{ name, configOperation: SET, value }]
  const resources = [{ resourceType: ConfigResourceType.TOPIC, resourceName: topic, configs }]
  return broker.ask(incrementalAlterConfigsHandler, 1, { resources, validateOnly: false })
}

async function createTopics(broker: TestBroker, names: readonly string[]): Promise<ReadonlySet<number>> {
  const topics = names.map((name) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const request = { topics, timeoutMs: 60_000, validateOnly: false }
  const response = await broker.ask(createTopicsHandler, 7, request)
  expect(response.topics).toHaveLength(names.length)
  return new Set(response.topics.map(({ errorCode }) => errorCode))
}

function names(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
}

describe('a config that changes while a fetch waits', () => {
  it('leaves the fetch waiting, and holds for what is produced next', async () => {
    const broker = await testBroker({ topics: ['a'] })
    const request = fetchRequest([{ topic: 'a' }], { maxWaitMs: 60_000 })
    const waiting = broker.ask(fetchHandler, 11, request)
    const { responses } = await setTopicConfig(broker, 'a', 'max.message.bytes', '100')
    expect(responses).toMatchObject([{ errorCode: ErrorCode.NONE }])
    expect(await isSettled(waiting)).toBe(false)
    const tooLarge = produceRequest('a', 0, batchOf('x'.repeat(200)))
    const refused = await broker.ask(produceHandler, 9, tooLarge)
    expect(refused.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(await isSettled(waiting)).toBe(false)
    await produce(broker, 'a', batchOf('x'))
    expect(fetched(await waiting)).toEqual(['a-0: 1'])
  })
})

describe('topics by the thousands in one request', () => {
  it('are created up to what one commit holds, and refused all together above', async () => {
    const broker = await testBroker()
    const refused = { code: ErrorCode.POLICY_VIOLATION }
    await expect(createTopics(broker, names(5_001, 'more'))).rejects.toMatchObject(refused)
    await expect(createTopics(broker, names(10_000, 'many'))).rejects.toMatchObject(refused)
    expect([...broker.services.metadata.topics()]).toEqual([])
    expect(await createTopics(broker, names(5_000, 'some'))).toEqual(new Set([ErrorCode.NONE]))
    expect([...broker.services.metadata.topics()]).toHaveLength(5_000)
  })
})

describe('names that are patterns', () => {
  const patterns = ['(a+)+$', '.*', 'a|b', '[[:alpha:]]', '\\', '(?i)x', '\u0000', 'a\nb']

  it('are no names of topics, neither to create nor to ask for', async () => {
    const broker = await testBroker({ topics: ['a', 'b'] })
    expect(await createTopics(broker, patterns)).toEqual(new Set([ErrorCode.INVALID_TOPIC_EXCEPTION]))
    const { topics } = await broker.ask(metadataHandler, 9, {
      topics: patterns.map((name) => ({ name, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })),
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
    expect(topics.map(({ name, errorCode }) => ({ name, errorCode }))).toEqual(
      patterns.map((name) => ({ name, errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION })),
    )
  })

  it('of configs and of topics that are configured are taken by the letter', async () => {
    const broker = await testBroker({ topics: ['a'] })
    const odd = await setTopicConfig(broker, 'a', '(a+)+$', '1')
    expect(odd.responses).toMatchObject([{ errorCode: ErrorCode.INVALID_CONFIG }])
    const other = await setTopicConfig(broker, '.*', 'retention.ms', '1')
    expect(other.responses[0]?.errorCode).not.toBe(ErrorCode.NONE)
    expect(broker.services.metadata.topic('a')?.configs.size).toBe(0)
  })
})
