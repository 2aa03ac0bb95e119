/** kafkajs in transactions. */
import type { Kafka, Producer, Sender } from 'kafkajs'
import { expect } from 'vitest'
import { unique } from '../broker.ts'
import { until } from '../until.ts'
import { committedOffsets, createTopic, numbered, send, startReader, withProducer } from './client.ts'

const IN_EACH = 12
const AT_ONCE = 4

export async function transactions(client: () => Kafka): Promise<void> {
  const topic = unique('transactions')
  const transactionalId = unique('transactions')
  await createTopic(client(), topic, 2)
  await withTransactions(client(), transactionalId, async (producer) => {
    const write = (to: Sender, partition: number, ...values: string[]) =>
      to.send({ topic, messages: values.map((value) => ({ partition, value })) })
    const committed = await producer.transaction()
    await write(committed, 0, 'a', 'b', 'c')
    await write(committed, 1, 'd', 'e')
    await committed.commit()
    const aborted = await producer.transaction()
    await write(aborted, 0, 'aborted')
    await aborted.abort()
    const open = await producer.transaction()
    await write(open, 0, 'open')
    // Each transaction's end has taken an offset of its own.
    expect((await read(client(), topic, true, 7))[0]?.slice(3)).toEqual(['4 aborted', '6 open'])

    await withTransactions(client(), transactionalId, async (successor) => {
      const last = await successor.transaction()
      await expect(open.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' })
      await write(last, 0, 'last')
      await last.commit()
    })
  })
  expect(await read(client(), topic, false, 6)).toEqual([
    ['0 a', '1 b', '2 c', '8 last'],
    ['0 d', '1 e'],
  ])
}

/** Reads, processes and writes in transactions, every third of which is aborted. */
export async function offsetsInTransactions(client: () => Kafka): Promise<void> {
  const [source, target, groupId] = [unique('source'), unique('target'), unique('processor')]
  await createTopic(client(), source, 2)
  await createTopic(client(), target, 2)
  await send(client(), source, [...numbered(IN_EACH, 0), ...numbered(IN_EACH, 1)])
  await using reader = await startReader(client(), { topic: source, groupId })
  await reader.values(2 * IN_EACH)
  const waiting = [...reader.seen]
  const done = new Map([0, 1].map((partition) => [partition, -1]))
  const committed = () => committedOffsets(client(), groupId, source)
  await withTransactions(client(), unique('processor'), async (producer) => {
    for (let turn = 1; waiting.length > 0; turn++) {
      const transaction = await producer.transaction()
      const batch = waiting.slice(0, AT_ONCE)
      const messages = batch.map(({ partition, value }) => ({ partition, value: `${value} processed` }))
      await transaction.send({ topic: target, messages })
      const ends = new Map(batch.map(({ partition, offset }) => [partition, offset + 1]))
      const partitions = Array.from(ends, ([partition, offset]) => ({ partition, offset: `${offset}` }))
      await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic: source, partitions }] })
      if (turn % 3 === 0) {
        await transaction.abort()
        expect(await committed()).toEqual(done)
        continue
      }
      await transaction.commit()
      waiting.splice(0, AT_ONCE)
      for (const [partition, end] of ends) done.set(partition, end)
      // Kafka answers before the group's coordinator has heard of it.
      await until('the offsets are committed', async () => {
        const found = await committed()
        return [...done].every(([partition, offset]) => found.get(partition) === offset)
      })
    }
  })
  const processed = numbered(IN_EACH).map(({ value }) => `${value} processed`)
  for (const values of await read(client(), target, false, 2 * IN_EACH)) {
    expect(values.map((each) => each.replace(/^\d+ /, ''))).toEqual(processed)
  }
}

function withTransactions(
  kafka: Kafka,
  transactionalId: string,
  use: (producer: Producer) => Promise<void>,
): Promise<void> {
  const config = { transactionalId, maxInFlightRequests: 1, idempotent: true, retry: { retries: 3 } }
  return withProducer(kafka, use, config)
}

/** What there is of `count` messages: `offset value` for each partition. */
async function read(
  kafka: Kafka,
  topic: string,
  readUncommitted: boolean,
  count: number,
): Promise<string[][]> {
  const options = { topic, groupId: unique('reader'), consumer: { readUncommitted } }
  await using reader = await startReader(kafka, options)
  await reader.values(count)
  const found: string[][] = [[], []]
  for (const { partition, offset, value } of reader.seen) found[partition]?.push(`${offset} ${value}`)
  return found
}
