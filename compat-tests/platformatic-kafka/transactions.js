/** @platformatic/kafka in transactions. */
import { expect, numbered, unique, until, upTo } from '../js-harness.js'
import { createTopic, messages, newProducer, produce, Reader, refused, withAdmin } from './client.js'

const IN_EACH = 12
const AT_ONCE = 4
/** The values of FetchRequest.isolation_level. */
const [READ_UNCOMMITTED, READ_COMMITTED] = [0, 1]
/** What a producer says that has no producer id yet; this client says 0 unless it is told. */
const NEW = { producerId: -1n, producerEpoch: -1 }

function transactional(transactionalId = unique('processor')) {
  return newProducer({ transactionalId, idempotent: true, acks: -1, ...NEW })
}

async function send(transaction, topic, partition, ...values) {
  await transaction.send({ messages: messages(values, partition).map((each) => ({ topic, ...each })) })
}

/** What there is of `count` messages: for each partition offsets and values. */
async function read(topic, isolationLevel, count) {
  const reader = await new Reader(topic, unique('group'), { isolationLevel }).from('earliest')
  const found = [[], []]
  for (const { partition, offset, value } of await reader.read(count)) {
    found[partition].push([Number(offset), String(value)])
  }
  await reader.close()
  return found
}

export async function transactions() {
  const [topic, transactionalId] = [await createTopic('transactions', 2), unique('transactions')]
  const producer = transactional(transactionalId)
  const committed = await producer.beginTransaction()
  await send(committed, topic, 0, 'a', 'b', 'c')
  await send(committed, topic, 1, 'd', 'e')
  await committed.commit()
  const aborted = await producer.beginTransaction()
  // Not where the open one will be: of one producer's aborted transactions in an answer this client knows only the last.
  await send(aborted, topic, 1, 'aborted')
  await aborted.abort()
  const open = await producer.beginTransaction()
  await send(open, topic, 0, 'open')
  // Each transaction's end has taken an offset of its own.
  const there = await read(topic, READ_UNCOMMITTED, 7)
  expect([there[0].slice(3), there[1].slice(2)], [[[4, 'open']], [[3, 'aborted']]])

  const successor = transactional(transactionalId)
  const last = await successor.beginTransaction()
  await refused(() => open.commit(), 'PRODUCER_FENCED')
  await send(last, topic, 0, 'last')
  await last.commit()
  await successor.close()
  expect(await read(topic, READ_COMMITTED, 6), [
    [
      [0, 'a'],
      [1, 'b'],
      [2, 'c'],
      [6, 'last'],
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
  const reader = await new Reader(source, group, { isolationLevel: READ_COMMITTED }).join()
  const waiting = [...(await reader.read(2 * IN_EACH))]
  const producer = transactional()

  const done = [-1, -1]
  const isDone = () =>
    withAdmin(async (admin) => {
      const [{ topics }] = await admin.listConsumerGroupOffsets({ groups: [group] })
      const found = [-1, -1]
      for (const { partitionIndex, committedOffset } of topics[0]?.partitions ?? []) {
        found[partitionIndex] = Number(committedOffset)
      }
      return `${found}` === `${done}`
    })
  for (let turn = 1; waiting.length > 0; turn++) {
    const batch = waiting.slice(0, AT_ONCE)
    const transaction = await producer.beginTransaction()
    await transaction.addConsumer(reader.consumer)
    for (const message of batch) {
      await send(transaction, target, message.partition, `${message.value} processed`)
      await transaction.addOffset(message)
    }
    if (turn % 3 > 0) {
      await transaction.commit()
      waiting.splice(0, AT_ONCE)
      for (const { partition, offset } of batch) done[partition] = Number(offset) + 1
      // Kafka answers before the group's coordinator has heard of it.
      await until('the offsets are committed', isDone)
    } else {
      await transaction.abort()
      expect(await isDone(), true, 'nothing is committed when a transaction is aborted')
    }
  }
  expect(done, [IN_EACH, IN_EACH])
  await producer.close()
  await reader.close()

  const processed = numbered(IN_EACH).map((value) => `${value} processed`)
  for (const found of await read(target, READ_COMMITTED, 2 * IN_EACH)) {
    expect(
      found.map(([, value]) => value),
      processed,
    )
  }
}
