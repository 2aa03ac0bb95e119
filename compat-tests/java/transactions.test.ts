/** Transactions as Kafka's own tools see them, and as its clients, older ones too, make them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { initProducerIdApi } from '../../src/wire/messages/init-producer-id.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { PROBE_CLIENT_ID, startBroker, type TestBroker, unique } from '../broker.ts'
import { batch, TRANSACTIONAL } from '../differential/batch.ts'
import { Connection } from '../differential/client.ts'
import { startProgram } from '../feature-program.ts'
import { createTopic, kafkaClient, numbered, send, startReader, withProducer } from '../kafkajs/client.ts'
import { compileJava, describeWith, java, javaWithClient, type Tool } from '../tools.ts'
import { PATIENCE } from '../until.ts'
import { startToolShell, type ToolShell } from './tool-runner.ts'

/** A broker looks for overdue transactions every ten seconds by default. */
const IMPATIENT = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' }

let broker: TestBroker
let shell: ToolShell
/** Of its own, so that what older clients ask for is not taken for what the newest does. */
let olderBroker: TestBroker

describeWith(java, 'transactions in Java', () => {
  beforeAll(async () => {
    compileJava()
    broker = await startBroker('Java client and tools', undefined, IMPATIENT)
    olderBroker = await startBroker('Java clients of older versions', undefined, IMPATIENT)
    shell = startToolShell(broker.bootstrapServers)
  })
  afterAll(async () => {
    await shell[Symbol.asyncDispose]()
    await olderBroker[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })

  const probe = () => kafkaClient(broker.bootstrapServers, PROBE_CLIENT_ID)
  const tool = async (...args: string[]) => {
    const { exit, output } = await shell.run('kafka-transactions', ...args)
    return { exit, output, rows: rowsOf(output) }
  }

  describe.concurrent('clients', PATIENCE, () => {
    const own = ["a former member's offsets", 'an overdue transaction']
    showFeatures(java, '4.3.1', own, () => broker)
    for (const version of ['3.9.1', '3.6.2']) {
      const all = ['transactions', 'offsets in transactions', ...own]
      showFeatures(javaWithClient(version), version, all, () => olderBroker)
    }
  })

  test('kafka-transactions lists, describes and aborts', PATIENCE, async () => {
    const topic = unique('tools')
    const transactionalId = unique('tools')
    await createTopic(probe(), topic, 2)
    const config = { transactionalId, maxInFlightRequests: 1, idempotent: true }
    const work = async (producer: Parameters<Parameters<typeof withProducer<void>>[1]>[0]) => {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [...numbered(2, 0), ...numbered(3, 1)] })
      const listed = await tool('list', '--transactional-id-pattern', `${transactionalId}.*`)
      expect(listed.rows).toMatchObject([
        { TransactionalId: transactionalId, Coordinator: '1', TransactionState: 'Ongoing' },
      ])
      const ProducerId = listed.rows[0]?.['ProducerId'] ?? ''
      expect((await tool('list', '--duration-filter', '3600000')).output).not.toContain(transactionalId)

      const described = await tool('describe', '--transactional-id', transactionalId)
      expect(described.rows).toMatchObject([
        {
          TransactionalId: transactionalId,
          ...{ CoordinatorId: '1', ProducerId, ProducerEpoch: '0', TransactionState: 'Ongoing' },
          TransactionTimeoutMs: '60000',
          TopicPartitions: expect.toSatisfy(
            (told: string) => `${told.split(',').sort()}` === `${topic}-0,${topic}-1`,
          ),
        },
      ])
      expect(Number(described.rows[0]?.['TransactionDurationMs'])).toBeLessThan(60_000)
      const unknown = await tool('describe', '--transactional-id', `${transactionalId}-unknown`)
      expect(unknown).toMatchObject({ exit: 1, output: expect.stringContaining('could not be found') })

      const producersOf = (partition: number) =>
        tool('describe-producers', '--topic', topic, '--partition', `${partition}`)
      const open = { ProducerId, ProducerEpoch: '0', LatestCoordinatorEpoch: '-1' }
      expect((await producersOf(0)).rows).toMatchObject([
        { ...open, LastSequence: '1', CurrentTransactionStartOffset: '0' },
      ])
      expect((await producersOf(1)).rows).toMatchObject([
        { ...open, LastSequence: '2', CurrentTransactionStartOffset: '0' },
      ])
      // It is open, and its coordinator knows of it.
      const hanging = await tool('find-hanging', '--topic', topic, '--max-transaction-timeout', '0')
      expect(hanging).toMatchObject({ exit: 0, rows: [] })

      const abort = (offset: number) =>
        tool('abort', '--topic', topic, '--partition', '0', '--start-offset', `${offset}`)
      expect(await abort(7)).toMatchObject({
        exit: 1,
        output: expect.stringContaining('not find any open transactions starting at offset 7'),
      })
      expect(await abort(0)).toMatchObject({ exit: 0 })
      expect((await producersOf(0)).rows).toMatchObject([{ CurrentTransactionStartOffset: 'None' }])
      expect((await producersOf(1)).rows).toMatchObject([{ CurrentTransactionStartOffset: '0' }])

      const terminate = await tool('forceTerminateTransaction', '--transactionalId', transactionalId)
      expect(terminate).toMatchObject({ exit: 0 })
      const ended = await tool('describe', '--transactional-id', transactionalId)
      expect(ended.rows).toMatchObject([{ TransactionState: 'Empty', TopicPartitions: '' }])
      await expect(transaction.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' })
    }
    await withProducer(probe(), work, config)
    // Nothing of it is read by who reads what is committed.
    await send(probe(), topic, numbered(1, 0, 'behind '))
    await send(probe(), topic, numbered(1, 1, 'behind '))
    await using reader = await startReader(probe(), { topic, groupId: unique('tools') })
    expect(await reader.values(2)).toEqual(['behind 0', 'behind 0'])
  })

  test('kafka-transactions finds a hanging transaction and aborts it', PATIENCE, async (context) => {
    const config = { 'transaction.partition.verification.enable': 'false' }
    await using careless = await startBroker('Java client and tools', undefined, config)
    const kafka = kafkaClient(careless.bootstrapServers, PROBE_CLIENT_ID)
    const topic = unique('hanging')
    await createTopic(kafka, topic)
    if (!(await leaveHanging(careless.bootstrapServers, topic))) {
      context.skip('the broker verifies the partitions of transactions')
    }
    await using tools = startToolShell(careless.bootstrapServers)
    const find = (...where: string[]) =>
      tools.run('kafka-transactions', 'find-hanging', ...where, '--max-transaction-timeout', '0')
    const [hanging] = rowsOf((await find('--topic', topic)).output)
    const open = {
      Topic: topic,
      Partition: '0',
      ProducerEpoch: '0',
      CoordinatorEpoch: '-1',
      StartOffset: '0',
    }
    expect(hanging).toMatchObject(open)
    const onBroker = rowsOf((await find('--broker-id', '1')).output)
    expect(onBroker.filter((row) => row['Topic'] === topic)).toEqual([hanging])
    const which = ['--topic', topic, '--partition', '0', '--start-offset', '0']
    expect(await tools.run('kafka-transactions', 'abort', ...which)).toEqual({ exit: 0, output: '' })
    expect(rowsOf((await find('--topic', topic)).output)).toEqual([])
    await send(kafka, topic, numbered(1, 0, 'behind '))
    await using reader = await startReader(kafka, { topic, groupId: unique('hanging') })
    expect(await reader.values(1)).toEqual(['behind 0'])
  })

  test('TransactionalMessageCopier copies in a chain', PATIENCE, async () => {
    const [source, middle, target] = [unique('source'), unique('middle'), unique('target')]
    for (const topic of [source, middle, target]) await createTopic(probe(), topic, 2)
    const counts = [70, 50]
    for (const [partition, count] of counts.entries()) {
      await send(probe(), source, numbered(count, partition, `${partition}:`))
    }
    const copy = async (input: string, output: string, ...args: string[]) => {
      const names = ['--consumer-group', unique('copier'), '--transactional-id', unique('copier')]
      const topics = ['--input-topic', input, '--output-topic', output, '--transaction-size', '10']
      const all = [...topics, ...names, '--enable-random-aborts', '--use-group-metadata', ...args]
      expect(await shell.run('transactional-message-copier', ...all)).toMatchObject({ exit: 0 })
    }
    await copy(source, middle, '--input-partition', '-1', '--group-mode')
    for (const [partition, count] of counts.entries()) {
      // It takes the markers for messages, unless it is told how many there are.
      await copy(middle, target, '--input-partition', `${partition}`, '--max-messages', `${count}`)
    }
    await using reader = await startReader(probe(), { topic: target, groupId: unique('copied') })
    await reader.values(120)
    for (const [partition, count] of counts.entries()) {
      const copied = reader.seen.filter((message) => message.partition === partition)
      expect(copied.map(({ value }) => value)).toEqual(
        numbered(count, partition, `${partition}:`).map(({ value }) => value),
      )
    }
  })
})

/** Features of Features.java, by one version of the client. */
function showFeatures(
  tool: Tool,
  version: string,
  features: readonly string[],
  target: () => TestBroker,
): void {
  describeWith(tool, `the client of ${version}`, () => {
    let running: ReturnType<typeof startProgram>
    beforeAll(() => {
      running = startProgram(tool, ['Features', target().bootstrapServers, ...features])
    })
    afterAll(async () => {
      await running[Symbol.asyncDispose]()
    })
    for (const feature of features) {
      test(feature, async () => {
        await running.told(feature)
      })
    }
  })
}

/**
 * Writes into a transaction that no coordinator knows of, as clients could before partitions were verified (KIP-890).
 * @returns false when the broker does not let it.
 */
async function leaveHanging(bootstrapServers: string, topic: string): Promise<boolean> {
  const [host = '', port] = bootstrapServers.split(/:(?=\d+$)/)
  const connection = await Connection.open(host, Number(port), PROBE_CLIENT_ID)
  try {
    const begin = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1n, producerEpoch: -1 }
    const { producerId, producerEpoch } = await connection.send(initProducerIdApi, 4, begin)
    const baseTimestamp = BigInt(Date.now())
    const options = { attributes: TRANSACTIONAL, producerId, producerEpoch, baseSequence: 0, baseTimestamp }
    const partitionData = [{ index: 0, records: batch(['hanging'], options) }]
    const answer = await connection.send(produceApi, 9, {
      ...{ transactionalId: unique('hanging'), acks: -1, timeoutMs: 10_000 },
      topicData: [{ name: topic, partitionData }],
    })
    return answer.responses[0]?.partitionResponses[0]?.errorCode === ErrorCode.NONE
  } finally {
    connection.close()
  }
}

/** The rows of a table that a tool has printed, by the names of the columns. */
function rowsOf(output: string): Record<string, string>[] {
  const cells = (line: string): string[] => line.split('\t').map((cell) => cell.trim())
  const [names, ...rows] = output.split('\n').filter((line) => line.includes('\t'))
  return rows.map((row) =>
    Object.fromEntries(cells(row).map((cell, index) => [cells(names ?? '')[index] ?? '', cell])),
  )
}
