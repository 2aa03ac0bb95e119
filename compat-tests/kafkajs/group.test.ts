/** Every partition has exactly one reader in a group, whoever joins, leaves or dies; and that reader sees its order. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, type TestBroker, unique } from '../broker.ts'
import { PATIENCE, until } from '../until.ts'
import {
  createTopic,
  kafkaClient,
  type Reader,
  send,
  startReader,
  withAdmin,
  withProducer,
} from './client.ts'
import { stableAssignment } from './group.ts'
import { startWorker, type Worker } from './worker-process.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker('kafkajs')
})
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
})

const client = () => kafkaClient(broker.bootstrapServers)

/** A member of the group under test, in this process or in one of its own. */
interface Member {
  readonly name: string
  /** Every `partition: value` that it has read, in order. */
  read(): string[]
}

const inProcess = (name: string, reader: Reader): Member => ({
  name,
  read: () => reader.seen.map(({ partition, value }) => `${partition}: ${value}`),
})

const inChild = (name: string, worker: Worker): Member => ({
  name,
  read: () =>
    worker.events.flatMap((each) => (each.event === 'processed' ? [`${each.partition}: ${each.value}`] : [])),
})

describe.concurrent('a group', PATIENCE, () => {
  test('gives each partition exactly one reader while members join, leave and die', async () => {
    const topic = unique('one-reader')
    const groupId = unique('one-reader')
    const partitions = [0, 1, 2, 3, 4, 5]
    await createTopic(client(), topic, partitions.length)

    /** With the group at rest, sends one message to each partition and checks who reads it: one member, and only one. */
    const round = async (name: string, members: readonly Member[]): Promise<void> => {
      const assignment = await stableAssignment(client(), groupId, topic, members.length)
      const held = [...assignment.values()]
      expect(held.flat().sort(), `${name}: each partition is held once`).toEqual(partitions)
      const fewest = Math.floor(partitions.length / members.length)
      for (const each of held) expect(each.length, `${name}: a fair share`).toBeGreaterThanOrEqual(fewest)

      await send(
        client(),
        topic,
        partitions.map((partition) => ({ partition, value: name })),
      )
      const readBy = (member: Member): number[] =>
        member
          .read()
          .filter((each) => each.endsWith(`: ${name}`))
          .map((each) => Number.parseInt(each, 10))
      await until(`${name}: all is read`, () => members.flatMap(readBy).length >= partitions.length)
      const shares = members.map((member) => readBy(member).sort())
      expect(shares.flat().sort(), `${name}: each message is read once`).toEqual(partitions)
      expect(shares.map(String).sort(), `${name}: by the member that holds its partition`).toEqual(
        held.map((each) => String([...each].sort())).sort(),
      )
    }

    // Offsets are committed as each message is processed, so that a partition that moves is not read twice.
    const join = (): Promise<Reader> =>
      startReader(client(), { topic, groupId, autoCommit: { autoCommitThreshold: 1 } })
    const readers: Reader[] = []
    await using mortal = startWorker({
      bootstrapServers: broker.bootstrapServers,
      topic,
      groupId,
      order: 'commit, then process',
      holdAt: null,
    })
    try {
      await mortal.told('joined')
      const first = inChild('mortal', mortal)
      await round('alone', [first])

      readers.push(await join(), await join(), await join())
      const others = readers.map((reader, index) => inProcess(`reader ${index}`, reader))
      await round('three have joined', [first, ...others])

      await readers[0]?.consumer.disconnect()
      await round('one has left', [first, ...others.slice(1)])

      await mortal.kill()
      await round('one has died', others.slice(1))

      const late = await join()
      readers.push(late)
      await round('another has joined', [...others.slice(1), inProcess('late', late)])
    } finally {
      await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()))
    }
  })

  test('with more members than partitions leaves the others idle', async () => {
    const topic = unique('idle')
    const groupId = unique('idle')
    await createTopic(client(), topic, 2)
    const readers = await Promise.all([1, 2, 3].map(() => startReader(client(), { topic, groupId })))
    try {
      const assignment = await stableAssignment(client(), groupId, topic, 3)
      expect([...assignment.values()].map((held) => held.length).sort()).toEqual([0, 1, 1])
    } finally {
      await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()))
    }
  })

  test('and another group read the same partitions without a word of each other', async () => {
    const topic = unique('two-groups')
    await createTopic(client(), topic)
    await send(client(), topic, [{ value: 'for everybody', partition: 0 }])
    await using one = await startReader(client(), { topic, groupId: unique('one') })
    await using other = await startReader(client(), { topic, groupId: unique('other') })
    expect([await one.values(1), await other.values(1)]).toEqual([['for everybody'], ['for everybody']])
  })

  test('keeps the order of each partition for many producers and consumers in parallel', async () => {
    const topic = unique('parallel')
    const groupId = unique('parallel')
    const [partitions, producers, consumers, perProducer] = [4, 6, 3, 120]
    await createTopic(client(), topic, partitions)
    const readers = await Promise.all(
      Array.from({ length: consumers }, () => startReader(client(), { topic, groupId })),
    )
    try {
      await stableAssignment(client(), groupId, topic, consumers)
      const produce = (name: number): Promise<void> =>
        withProducer(client(), async (producer) => {
          for (let sent = 0; sent < perProducer; sent += 10) {
            const messages = Array.from({ length: 10 }, (_, index) => ({
              value: `${name}:${sent + index}`,
              partition: (sent + index) % partitions,
            }))
            await producer.send({ topic, messages })
          }
        })
      await Promise.all(Array.from({ length: producers }, (_, name) => produce(name)))

      const total = producers * perProducer
      await until('all messages are read', () => readers.flatMap(({ seen }) => seen).length >= total)
      const ends = await withAdmin(client(), (admin) => admin.fetchTopicOffsets(topic))
      expect(ends.map(({ high }) => Number(high))).toEqual(Array(partitions).fill(total / partitions))
      for (let partition = 0; partition < partitions; partition++) {
        const seen = readers.map((reader) => reader.seen.filter((each) => each.partition === partition))
        const [read, ...more] = seen.filter((each) => each.length > 0)
        expect(more, `partition ${partition} has one reader`).toEqual([])
        expect(read?.map(({ offset }) => offset)).toEqual([...Array(total / partitions).keys()])
        for (let name = 0; name < producers; name++) {
          const numbers = (read ?? [])
            .map(({ value }) => (value ?? '').split(':').map(Number))
            .flatMap(([producer, number = -1]) => (producer === name ? [number] : []))
          expect(numbers, `producer ${name} in partition ${partition}`).toEqual(
            [...numbers].sort((a, b) => a - b),
          )
          expect(numbers.length).toBe(perProducer / partitions)
        }
      }
    } finally {
      await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()))
    }
  })
})
