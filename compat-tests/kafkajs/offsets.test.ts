/** What offsets are for, told with kafkajs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, type TestBroker, unique } from '../broker.ts'
import { PATIENCE, until } from '../until.ts'
import {
  committedOffsets,
  createTopic,
  kafkaClient,
  numbered,
  send,
  startReader,
  withAdmin,
} from './client.ts'
import { startWorker } from './worker-process.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker('kafkajs')
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
})

const client = () => kafkaClient(broker.bootstrapServers)
const texts = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `message ${from + index}`)

describe.concurrent('an offset is a place in one partition', PATIENCE, () => {
  test('two partitions both have an offset 0', async () => {
    const topic = unique('two-partitions')
    await createTopic(client(), topic, 2)
    const answers = await send(client(), topic, [
      { value: 'left', partition: 0 },
      { value: 'right', partition: 1 },
    ])
    expect(answers.map(({ partition, baseOffset }) => [partition, baseOffset]).sort()).toEqual([
      [0, '0'],
      [1, '0'],
    ])
    await using reader = await startReader(client(), { topic, groupId: unique('both') })
    await reader.values(2)
    const places = reader.seen.map(({ partition, offset, value }) => ({ partition, offset, value }))
    expect(places.sort((a, b) => a.partition - b.partition)).toEqual([
      { partition: 0, offset: 0, value: 'left' },
      { partition: 1, offset: 0, value: 'right' },
    ])
  })

  test('offsets rise by one from 0, and the end is the next offset to be written', async () => {
    const topic = unique('rising')
    await createTopic(client(), topic)
    expect(await withAdmin(client(), (admin) => admin.fetchTopicOffsets(topic))).toEqual([
      { partition: 0, offset: '0', low: '0', high: '0' },
    ])
    const first = await send(client(), topic, numbered(3))
    const second = await send(client(), topic, numbered(2))
    expect([first[0]?.baseOffset, second[0]?.baseOffset]).toEqual(['0', '3'])
    expect(await withAdmin(client(), (admin) => admin.fetchTopicOffsets(topic))).toEqual([
      { partition: 0, offset: '5', low: '0', high: '5' },
    ])
    await using reader = await startReader(client(), { topic, groupId: unique('rising') })
    await reader.values(5)
    expect(reader.seen.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
  })
})

describe.concurrent('a consumer that is killed', PATIENCE, () => {
  const COUNT = 20

  test('processing before committing loses nothing: at least once', async () => {
    const topic = unique('at-least-once')
    const groupId = unique('at-least-once')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(COUNT))
    await using worker = startWorker({
      bootstrapServers: broker.bootstrapServers,
      topic,
      groupId,
      order: 'process, then commit',
      holdAt: 10,
    })
    await worker.told('holding')
    await worker.kill()
    // Committed after every fourth message: 8 is the place to go on, 8 and 9 were processed in vain.
    expect(worker.processed()).toEqual(texts(10))
    expect(await committedOffsets(client(), groupId, topic)).toEqual(new Map([[0, 8]]))

    await using successor = await startReader(client(), { topic, groupId })
    const resumed = await successor.values(COUNT - 8)
    expect(successor.seen[0]).toMatchObject({ partition: 0, offset: 8 })
    expect(resumed).toEqual(texts(COUNT - 8, 8))
    expect(new Set([...worker.processed(), ...resumed])).toEqual(new Set(texts(COUNT)))
  })

  test('committing before processing repeats nothing and loses what was in hand: at most once', async () => {
    const topic = unique('at-most-once')
    const groupId = unique('at-most-once')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(COUNT))
    await using worker = startWorker({
      bootstrapServers: broker.bootstrapServers,
      topic,
      groupId,
      order: 'commit, then process',
      holdAt: 6,
    })
    await worker.told('holding')
    await worker.kill()
    expect(worker.processed()).toEqual(texts(6))
    expect(await committedOffsets(client(), groupId, topic)).toEqual(new Map([[0, 7]]))

    await using successor = await startReader(client(), { topic, groupId })
    const resumed = await successor.values(COUNT - 7)
    expect(resumed).toEqual(texts(COUNT - 7, 7))
    const all = [...worker.processed(), ...resumed]
    expect(all).toEqual(texts(COUNT).filter((text) => text !== 'message 6'))
  })
})

describe.concurrent('auto-commit', PATIENCE, () => {
  test('commits what was processed when the consumer stops, and the next one goes on there', async () => {
    const topic = unique('auto-commit')
    const groupId = unique('auto-commit')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(5))
    {
      await using reader = await startReader(client(), { topic, groupId, autoCommit: {} })
      await reader.values(5)
    }
    expect(await committedOffsets(client(), groupId, topic)).toEqual(new Map([[0, 5]]))
    await send(client(), topic, [{ value: 'after the stop', partition: 0 }])
    await using next = await startReader(client(), { topic, groupId, autoCommit: {} })
    expect(await next.values(1)).toEqual(['after the stop'])
  })

  test('commits as it goes on when it is told how often', async () => {
    const topic = unique('auto-commit')
    const groupId = unique('auto-commit')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(7))
    await using reader = await startReader(client(), {
      topic,
      groupId,
      autoCommit: { autoCommitThreshold: 3 },
    })
    await reader.values(7)
    const committed = await until('the offset is committed', async () => {
      const offset = (await committedOffsets(client(), groupId, topic)).get(0)
      return offset === 7 ? offset : undefined
    })
    expect(committed).toBe(7)
  })

  test('a group that never commits starts again from the beginning', async () => {
    const topic = unique('no-commit')
    const groupId = unique('no-commit')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(3))
    for (const _ of ['first', 'second']) {
      await using reader = await startReader(client(), { topic, groupId })
      expect(await reader.values(3)).toEqual(texts(3))
    }
    expect(await committedOffsets(client(), groupId, topic)).toEqual(new Map([[0, -1]]))
  })
})

describe.concurrent('where a group starts', PATIENCE, () => {
  test('from the earliest offset', async () => {
    const topic = unique('earliest')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(4))
    await using reader = await startReader(client(), { topic, groupId: unique('g'), fromBeginning: true })
    expect(await reader.values(4)).toEqual(texts(4))
  })

  test('from the latest offset: only what comes after', async () => {
    const topic = unique('latest')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(4))
    await using reader = await startReader(client(), { topic, groupId: unique('g'), fromBeginning: false })
    await until('the reader knows its position', () => reader.fetches() > 0)
    await send(client(), topic, [{ value: 'news', partition: 0 }])
    expect(await reader.values(1)).toEqual(['news'])
    expect(reader.seen[0]?.offset).toBe(4)
  })

  test('from a given offset', async () => {
    const topic = unique('given')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(10))
    await using reader = await startReader(client(), { topic, groupId: unique('g'), fromBeginning: false })
    reader.consumer.seek({ topic, partition: 0, offset: '7' })
    expect(await reader.values(3)).toEqual(texts(3, 7))
  })

  test('from a timestamp: the first record at or after it', async () => {
    const topic = unique('timestamp')
    await createTopic(client(), topic)
    const startMs = Date.now() - 60_000
    const stamped = numbered(10).map((message, index) => ({
      ...message,
      timestamp: String(startMs + index * 1000),
    }))
    await send(client(), topic, stamped)
    const offsetAt = async (timestampMs: number): Promise<string | undefined> => {
      const [found] = await withAdmin(client(), (admin) =>
        admin.fetchTopicOffsetsByTimestamp(topic, timestampMs),
      )
      return found?.offset
    }
    expect(await offsetAt(startMs - 5000)).toBe('0')
    expect(await offsetAt(startMs + 4000)).toBe('4')
    expect(await offsetAt(startMs + 4001)).toBe('5')
    expect(await offsetAt(startMs + 9000)).toBe('9')
    // Nothing is that young: kafkajs takes the end of the partition instead.
    expect(await offsetAt(startMs + 9001)).toBe('10')

    const groupId = unique('g')
    const offset = (await offsetAt(startMs + 5500)) ?? ''
    await withAdmin(client(), (admin) =>
      admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset }] }),
    )
    await using reader = await startReader(client(), { topic, groupId })
    expect(await reader.values(4)).toEqual(texts(4, 6))
  })

  test('from the earliest offset that is still there, when the committed one is gone', async () => {
    const topic = unique('out-of-range')
    const groupId = unique('g')
    await createTopic(client(), topic)
    await send(client(), topic, numbered(6))
    await withAdmin(client(), async (admin) => {
      await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] })
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
    })
    await using reader = await startReader(client(), { topic, groupId, fromBeginning: true })
    expect(await reader.values(2)).toEqual(texts(2, 4))
  })
})
