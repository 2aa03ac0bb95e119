/**
 * Apache Kafka's own clients and tools. The clients' features are shown by Features.java beside this file; the tools
 * are Kafka's own programs, called as their shell scripts call them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBE_CLIENT_ID, startBroker, type TestBroker, unique } from '../broker.ts'
import { type FeatureProgram, showAll, startProgram } from '../feature-program.ts'
import { featuresOf } from '../features.ts'
import { createTopic, kafkaClient, numbered, send } from '../kafkajs/client.ts'
import { storedBatches } from '../stored-batches.ts'
import { compileJava, describeWith, java } from '../tools.ts'
import { PATIENCE, until } from '../until.ts'
import { runTool, startToolShell, startVerifiableConsumer, type ToolShell } from './tool-runner.ts'

describeWith(java, 'Apache Kafka in Java', () => {
  const client = featuresOf('Java client and tools')
  let broker: TestBroker
  let program: FeatureProgram
  let shell: ToolShell
  beforeAll(async () => {
    compileJava()
    broker = await startBroker('Java client and tools')
    program = startProgram(java, ['Features', broker.bootstrapServers, 'version', ...client.claimed])
    shell = startToolShell(broker.bootstrapServers)
  })
  afterAll(async () => {
    await shell[Symbol.asyncDispose]()
    await program[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })

  describe.concurrent('clients', () => {
    showAll(client, () => ({ program, bootstrapServers: broker.bootstrapServers }))
  })

  /** What prepares a tool's test is no request of the tool's. */
  const probe = () => kafkaClient(broker.bootstrapServers, PROBE_CLIENT_ID)
  const topics = (...args: string[]) => shell.run('kafka-topics', ...args)
  const groups = (...args: string[]) => shell.run('kafka-consumer-groups', ...args)
  const bootstrap = () => ['--bootstrap-server', broker.bootstrapServers]

  describe.concurrent('tools', PATIENCE, () => {
    test('kafka-topics creates, lists, describes, alters and deletes', async () => {
      const topic = unique('topics')
      const created = await topics(
        '--create',
        '--topic',
        topic,
        '--partitions',
        '2',
        '--config',
        'retention.ms=123456',
      )
      expect(created).toEqual({ exit: 0, output: `Created topic ${topic}.\n` })
      expect(await topics('--create', '--topic', topic)).toMatchObject({
        exit: 1,
        output: expect.stringContaining(`Topic '${topic}' already exists.`),
      })
      expect(await topics('--create', '--topic', topic, '--if-not-exists')).toMatchObject({ exit: 0 })
      expect((await topics('--list')).output.split('\n')).toContain(topic)

      expect(await topics('--alter', '--topic', topic, '--partitions', '3')).toEqual({ exit: 0, output: '' })
      const described = await topics('--describe', '--topic', topic)
      expect(described.exit).toBe(0)
      expect(described.output).toMatch(
        /\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: .*retention\.ms=123456/,
      )
      expect(described.output).toMatch(/\tTopicId: [\w-]{22}\t/)
      const partitions = [
        ...described.output.matchAll(/\tPartition: (\d)\tLeader: (\d+)\tReplicas: \2\tIsr: \2\t/g),
      ]
      expect(partitions.map(([, partition]) => partition)).toEqual(['0', '1', '2'])
      expect((await topics('--describe', '--under-replicated-partitions', '--topic', topic)).output).toBe('')

      expect(await topics('--delete', '--topic', topic)).toEqual({ exit: 0, output: '' })
      await until(
        'the topic is gone',
        async () => !(await topics('--list')).output.split('\n').includes(topic),
      )
      expect((await topics('--describe', '--topic', topic)).exit).toBe(1)
    })

    test('kafka-get-offsets tells where partitions begin and end, and what a timestamp means', async () => {
      const topic = unique('offsets')
      await createTopic(probe(), topic, 2)
      const startMs = Date.now() - 60_000
      const stamped = numbered(5, 1).map((message, index) => ({
        ...message,
        timestamp: String(startMs + index * 1000),
      }))
      await send(probe(), topic, stamped)
      const offsets = async (...args: string[]) =>
        (await shell.run('kafka-get-offsets', '--topic', topic, ...args)).output.trim().split('\n')
      expect(await offsets()).toEqual([`${topic}:0:0`, `${topic}:1:5`])
      expect(await offsets('--time', 'earliest')).toEqual([`${topic}:0:0`, `${topic}:1:0`])
      expect(await offsets('--partitions', '1', '--time', String(startMs + 1001))).toEqual([`${topic}:1:2`])
      expect(await offsets('--partitions', '1', '--time', 'max-timestamp')).toEqual([`${topic}:1:4`])
    })

    test('kafka-consumer-groups lists, describes, resets and deletes', async () => {
      const topic = unique('groups')
      const group = unique('groups')
      await createTopic(probe(), topic)
      await send(probe(), topic, numbered(10))
      const reset = (...args: string[]) =>
        groups('--reset-offsets', '--group', group, '--topic', topic, '--execute', ...args)
      const row = new RegExp(`^${group} +${topic} +0 +(\\S+)`, 'm')
      const newOffset = async (...args: string[]) => row.exec((await reset(...args)).output)?.[1]
      expect(await newOffset('--to-offset', '4')).toBe('4')
      expect(await newOffset('--shift-by', '3')).toBe('7')
      expect(await newOffset('--to-datetime', '2001-01-01T00:00:00.000')).toBe('0')
      expect(await newOffset('--to-latest')).toBe('10')
      expect(await newOffset('--to-offset', '6')).toBe('6')

      expect((await groups('--list')).output.split('\n')).toContain(group)
      expect((await groups('--list', '--state')).output).toMatch(new RegExp(`^${group} +Empty *$`, 'm'))
      const described = (await groups('--describe', '--group', group)).output
      expect(described).toMatch(new RegExp(`^${group} +${topic} +0 +6 +10 +4 +- +- +-`, 'm'))
      const state = (await groups('--describe', '--group', group, '--state')).output
      expect(state).toMatch(new RegExp(`^${group} .*\\(\\d+\\) +(- +)?Empty +0`, 'm'))

      const forgotten = await groups('--delete-offsets', '--group', group, '--topic', `${topic}:0`)
      expect(forgotten.output).toMatch(new RegExp(`^${topic} +0 +Successful`, 'm'))
      expect(await newOffset('--to-earliest')).toBe('0')
      expect((await groups('--delete', '--group', group)).output).toContain(`('${group}') was successful`)
      expect((await groups('--delete', '--group', group)).output).toContain('GroupIdNotFoundException')
      expect((await groups('--list')).output.split('\n')).not.toContain(group)
    })

    test('kafka-console-producer and kafka-console-consumer: codec, headers, keys, null values, a group', async () => {
      const topic = unique('console')
      const group = unique('console')
      await createTopic(probe(), topic)
      const readerProperties = ['parse.key=true', 'parse.headers=true', 'null.marker=NULL'].flatMap(
        (property) => ['--reader-property', property],
      )
      await runTool(
        'kafka-console-producer',
        [...bootstrap(), '--topic', topic, '--compression-codec', 'zstd', ...readerProperties],
        'one:1,two:2\tkey\tvalue\nNULL\tNULL\twithout key and headers\none:NULL\tkey\tNULL\n',
      )
      const batches = await storedBatches(broker.bootstrapServers, topic)
      expect(batches).toMatchObject([{ codec: 'zstd', recordCount: 3 }])

      const formatterProperties = ['key', 'headers', 'offset'].flatMap((what) => [
        '--formatter-property',
        `print.${what}=true`,
      ])
      const consume = async (count: number) => {
        const args = ['--topic', topic, '--group', group, '--max-messages', String(count)]
        const settings = ['--command-property', 'session.timeout.ms=6000', '--timeout-ms', '20000']
        const printed = await runTool('kafka-console-consumer', [
          ...[...bootstrap(), ...args, ...settings, '--from-beginning'],
          ...formatterProperties,
        ])
        return printed.trimEnd().split('\n')
      }
      // Reads two of the three and leaves its group in order: the next one begins with the third.
      expect(await consume(2)).toEqual([
        'Offset:0\tone:1,two:2\tkey\tvalue',
        'Offset:1\tNO_HEADERS\tnull\twithout key and headers',
      ])
      expect(await consume(1)).toEqual(['Offset:2\tone:null\tkey\tnull'])
    })

    test('kafka-verifiable-producer and kafka-verifiable-consumer: a static member is killed and resumes', async () => {
      const topic = unique('verifiable')
      const group = unique('verifiable')
      await createTopic(probe(), topic)
      const produced = await runTool('kafka-verifiable-producer', [
        ...[...bootstrap(), '--topic', topic, '--max-messages', '20', '--acks', '-1'],
      ])
      const sent = produced
        .split('\n')
        .filter((line) => line.includes('producer_send_success'))
        .map((line) => (JSON.parse(line) as { offset: number }).offset)
      expect(sent).toEqual([...Array(20).keys()])

      const start = () =>
        startVerifiableConsumer([
          ...[...bootstrap(), '--topic', topic, '--group-id', group, '--group-instance-id', 'verifier'],
          ...['--session-timeout', '6000', '--reset-policy', 'earliest'],
        ])
      const committed =
        (offset: number) => (event: { name: string; offsets?: readonly { offset: number }[] }) =>
          event.name === 'offsets_committed' && event.offsets?.[0]?.offset === offset
      await using mortal = start()
      await mortal.told('that it has committed all', committed(20))
      const first = mortal.events.find(({ name }) => name === 'records_consumed')
      expect(first?.partitions?.[0]).toMatchObject({ partition: 0, minOffset: 0 })
      await mortal.kill()

      await send(probe(), topic, numbered(5))
      await using successor = start()
      const next = await successor.told('what it has read', ({ name }) => name === 'records_consumed')
      expect(next.partitions).toMatchObject([{ partition: 0, count: 5, minOffset: 20, maxOffset: 24 }])
      await successor.told('that it has committed all', committed(25))
    })
  })
})
