/** @confluentinc/kafka-javascript in transactions. */
import { expect, numbered, refusal, unique, until, upTo } from '../js-harness.js'
import { createTopic, ErrorCodes, kafka, messages, produce, Reader, withAdmin } from './client.js'

const IN_EACH = 12
const AT_ONCE = 4

/** A producer that has the id for itself: what another left open is aborted. */
async function transactional(transactionalId) {
  const producer = kafka.producer({ kafkaJS: { transactionalId }, 'linger.ms': 0 })
  await producer.connect()
  return producer
}

/** What there is of `count` messages: for each partition offsets and values. */
async function read(topic, readUncommitted, count) {
  const reader = await new Reader(topic, unique('group'), { kafkaJS: { readUncommitted } }).run()
  const found = [[], []]
  for (const { partition, offset, value } of await reader.read(count)) {
    found[partition].push([Number(offset), String(value)])
  }
  await reader.close()
  return found
}

export async function transactions() {
  const [topic, transactionalId] = [await createTopic('transactions', 2), unique('transactions')]
  const send = (transaction, partition, ...values) =>
    transaction.send({ topic, messages: messages(values, partition) })
  const producer = await transactional(transactionalId)
  const committed = await producer.transaction()
  await send(committed, 0, 'a', 'b', 'c')
  await send(committed, 1, 'd', 'e')
  await committed.commit()
  const aborted = await producer.transaction()
  await send(aborted, 0, 'aborted')
  await aborted.abort()
  const open = await producer.transaction()
  await send(open, 0, 'open')
  // Each transaction's end has taken an offset of its own.
  const there = await read(topic, true, 7)
  expect(there[0].slice(3), [
    [4, 'aborted'],
    [6, 'open'],
  ])

  const successor = await transactional(transactionalId)
  const error = await refusal(() => open.commit())
  expect(error?.code, ErrorCodes.ERR__FENCED)
  const last = await successor.transaction()
  await send(last, 0, 'last')
  await last.commit()
  await successor.disconnect()
  expect(await read(topic, false, 6), [
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [8, 'last'],
    ],
    [
      [0, 'd'],
      [1, 'e'],
    ],
  ])
}

/** Reads, processes and writes in transactions, every third of which is aborted. */
export async function offsetsInTransactions() {
  const [source, target] = [await createTopic('source', 2), await createTopic('target', 2)]
  const group = unique('processor')
  for (const partition of upTo(2)) await produce(source, messages(numbered(IN_EACH), partition))
  const reader = await new Reader(source, group, { kafkaJS: { readUncommitted: false } }).run()
  const waiting = [...(await reader.read(2 * IN_EACH))]
  const producer = await transactional(unique('processor'))

  const done = [-1, -1]
  const isDone = () =>
    withAdmin(async (admin) => {
      const [told] = await admin.fetchOffsets({ groupId: group })
      const found = [-1, -1]
      for (const { partition, offset } of told?.partitions ?? []) found[partition] = Number(offset)
      return `${found}` === `${done}`
    })
  for (let turn = 1; waiting.length > 0; turn++) {
    const transaction = await producer.transaction()
    const ends = new Map()
    for (const { partition, offset, value } of waiting.slice(0, AT_ONCE)) {
      await transaction.send({ topic: target, messages: messages([`${value} processed`], partition) })
      ends.set(partition, Number(offset) + 1)
    }
    const partitions = [...ends].map(([partition, offset]) => ({ partition, offset: `${offset}` }))
    await transaction.sendOffsets({ consumer: reader.consumer, topics: [{ topic: source, partitions }] })
    if (turn % 3 > 0) {
      await transaction.commit()
      waiting.splice(0, AT_ONCE)
      for (const [partition, offset] of ends) done[partition] = offset
      // Kafka answers before the group's coordinator has heard of it.
      await until('the offsets are committed', isDone)
    } else {
      await transaction.abort()
      expect(await isDone(), true, 'nothing is committed when a transaction is aborted')
    }
  }
  expect(done, [IN_EACH, IN_EACH])
  await producer.disconnect()
  await reader.close()

  const processed = numbered(IN_EACH).map((value) => `${value} processed`)
  for (const found of await read(target, false, 2 * IN_EACH)) {
    expect(
      found.map(([, value]) => value),
      processed,
    )
  }
}
