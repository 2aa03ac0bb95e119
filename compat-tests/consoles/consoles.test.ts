/**
 * What web consoles ask for when they connect, replayed with the Java clients that they carry: nothing is refused
 * that Apache Kafka does not refuse, and what they show is right.
 */
import type { Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROBE_CLIENT_ID, startBroker, type TestBroker, unique } from '../broker.ts'
import { createTopic, kafkaClient, numbered, send } from '../kafkajs/client.ts'
import { compileJava, describeWith } from '../tools.ts'
import { PATIENCE, until } from '../until.ts'
import { type Console, consoleTool, startConsole } from './console.ts'
import { type ConsoleCall, consoles, readSequence } from './sequence.ts'

for (const name of consoles) {
  const sequence = readSequence(name)
  describeWith(consoleTool(sequence), `${sequence.console} ${sequence.version}`, () => {
    const page = unique(name)
    const [topic, idle, busy] = [`${page}-topic`, `${page}-idle`, `${page}-busy`]
    const requests: string[] = []
    const told = new Map<string, unknown>()
    let broker: TestBroker
    let connected: Console
    let leave: () => Promise<void>

    beforeAll(async () => {
      compileJava()
      broker = await startBroker(sequence.console, ({ apiName, version, clientId }) => {
        if (clientId !== PROBE_CLIENT_ID) requests.push(`${apiName} v${version}`)
      })
      connected = startConsole(sequence, broker.bootstrapServers, page)
      leave = await prepare(broker.bootstrapServers, { topic, idle, busy })
    })
    afterAll(async () => {
      await leave()
      await connected[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    })

    test('refuses nothing that Apache Kafka does not refuse', PATIENCE, async () => {
      for (const { when, calls, requests: expected } of sequence.steps) {
        requests.length = 0
        const outcomes = await connected.run(calls)
        for (const [index, call] of calls.entries()) {
          const { refusal, message, told: answer } = outcomes[index] ?? {}
          expect({ when, call, refusal, message }).toMatchObject({ refusal: call.refusal ?? null })
          told.set(keyOf(call), answer)
        }
        // A broker that runs already does not tell.
        if (requests.length > 0) {
          const seen = [...new Set(requests)].filter(
            (each) => expected.includes(each) || !sequence.own.includes(each),
          )
          expect({ when, requests: seen.sort() }).toEqual({ when, requests: expected.toSorted() })
        }
      }
    })

    /** A console shows this if it has asked for it at all. */
    const shows = (key: string, expected: object) => {
      if (sequence.steps.some(({ calls }) => calls.some((call) => keyOf(call) === key))) {
        expect({ [key]: told.get(key) }).toMatchObject({ [key]: expected })
      }
    }

    test('shows the cluster as it is', () => {
      const { controller } = told.get('describeCluster') as { controller: number }
      shows('describeCluster', { nodes: [controller], clusterId: expect.stringMatching(/^[\w-]{22}$/) })
      shows('describeConfigs of controller', { [controller]: { 'delete.topic.enable': 'true' } })
      shows('describeFeatures', { 'metadata.version': 30 })
      shows('describeMetadataQuorum', { leader: controller, voters: 1 })
      if (sequence.console === 'kafbat UI') {
        const all = 'ALTER ALTER_CONFIGS CLUSTER_ACTION CREATE DESCRIBE DESCRIBE_CONFIGS IDEMPOTENT_WRITE'
        shows('describeCluster', { operations: all.split(' ') })
      }
    })

    test('shows the topics and groups as they are', () => {
      const { controller } = told.get('describeCluster') as { controller: number }
      const both = (zero: unknown, one: unknown) => ({ [`${topic}-0`]: zero, [`${topic}-1`]: one })
      shows('listTopics', expect.arrayContaining([topic, '__consumer_offsets']))
      shows('describeTopics', { [topic]: [controller, controller] })
      shows('describeConfigs of topics', {
        [topic]: { 'cleanup.policy': 'delete', 'retention.ms': '604800000' },
      })
      shows('describeLogDirs', both(expect.any(Number), expect.any(Number)))
      shows('listOffsets at earliest', both(0, 0))
      shows('listOffsets at latest', both(10, 3))
      shows('consumer: offsetsForTimes, endOffsets', both([0, 10], [0, 3]))
      shows('consumer: the last records', both(['message 8', 'message 9'], ['message 1', 'message 2']))
      shows('describeProducers', both(0, 0))

      shows('listConsumerGroups', expect.arrayContaining([busy, idle]))
      shows('describeConsumerGroups', {
        [busy]: { state: 'Stable', members: [[`${topic}-0`, `${topic}-1`]] },
        [idle]: { state: 'Empty', members: [] },
      })
      shows('listConsumerGroupOffsets', { [idle]: { [`${topic}-0`]: 4 } })
    })
  })
}

function keyOf({ call, of, at }: ConsoleCall): string {
  return [call, of && `of ${of}`, at && `at ${at}`].filter(Boolean).join(' ')
}

interface Names {
  readonly topic: string
  readonly idle: string
  readonly busy: string
}

/** A topic of two partitions with records, a group that has left an offset, and one that reads. */
async function prepare(bootstrapServers: string, { topic, idle, busy }: Names): Promise<() => Promise<void>> {
  const kafka = kafkaClient(bootstrapServers, PROBE_CLIENT_ID)
  await createTopic(kafka, topic, 2)
  await send(kafka, topic, [...numbered(10, 0), ...numbered(3, 1)])
  const leaveIdle = await join(kafka, idle, topic)
  await leaveIdle('4')
  return join(kafka, busy, topic)
}

/** Joins a group; what is returned leaves it, and leaves an offset of partition 0 there. */
async function join(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<(offset?: string) => Promise<void>> {
  // Without a long poll it is gone at once.
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  let assigned = 0
  consumer.on('consumer.group_join', ({ payload }) => {
    assigned = payload.memberAssignment[topic]?.length ?? 0
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommit: false, eachMessage: async () => {} })
  await until(`${groupId} has its partitions`, () => assigned === 2)
  return async (offset) => {
    if (offset !== undefined) await consumer.commitOffsets([{ topic, partition: 0, offset }])
    await consumer.disconnect()
  }
}
