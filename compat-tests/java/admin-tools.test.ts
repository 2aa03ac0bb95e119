/**
 * Apache Kafka's own tools for who runs a cluster: configs, quotas, credentials, log directories, elections,
 * reassignments, the quorum, features, and how fast it all is. Wherever nothing in it is the broker's own, the output
 * is compared as a whole.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBE_CLIENT_ID, startBroker, type TestBroker, unique } from '../broker.ts'
import { createTopic, kafkaClient, numbered, send } from '../kafkajs/client.ts'
import { compileJava, describeWith, java } from '../tools.ts'
import { PATIENCE } from '../until.ts'
import type { ToolName } from './tool-classes.ts'
import { startToolShell, type ToolShell } from './tool-runner.ts'

describeWith(java, "Apache Kafka's tools for administrators", () => {
  const files = mkdtempSync(join(tmpdir(), 'ottla-tools-'))
  let broker: TestBroker
  let shell: ToolShell
  let nodeId: string
  beforeAll(async () => {
    compileJava()
    broker = await startBroker('Java client and tools')
    shell = startToolShell(broker.bootstrapServers)
    const endpoints = await succeed('kafka-cluster', 'list-endpoints')
    nodeId = /^(\d+) .* unfenced +broker/m.exec(endpoints)?.[1] ?? ''
  })
  afterAll(async () => {
    await shell[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
    rmSync(files, { recursive: true })
  })

  /** What a tool prints that succeeds. */
  async function succeed(name: ToolName, ...args: readonly string[]): Promise<string> {
    const { exit, output } = await shell.run(name, ...args)
    expect({ exit, output }).toMatchObject({ exit: 0 })
    return output
  }

  /** What a tool complains about: the lines of its output, without the stacks. */
  async function fail(name: ToolName, ...args: readonly string[]): Promise<string> {
    const { exit, output } = await shell.run(name, ...args)
    expect({ exit, output }).toMatchObject({ exit: 1 })
    return output.replace(/^\tat .*\n/gm, '')
  }

  /** A file for a tool that reads JSON. */
  function jsonFile(content: unknown): string {
    const path = join(files, unique('content'))
    writeFileSync(path, JSON.stringify(content))
    return path
  }

  /** What prepares a tool's test is no request of the tool's. */
  const probe = () => kafkaClient(broker.bootstrapServers, PROBE_CLIENT_ID)
  const configs = (...args: string[]) => succeed('kafka-configs', ...args)

  async function topicOf(name: string, partitions = 1): Promise<string> {
    const topic = unique(name)
    await createTopic(probe(), topic, partitions)
    return topic
  }

  describe('kafka-configs', PATIENCE, () => {
    test('sets, describes and deletes configs of a topic, and they take effect', async () => {
      const topic = await topicOf('configs')
      const one = ['--entity-type', 'topics', '--entity-name', topic]
      const described = `Dynamic configs for topic ${topic} are:\n`
      expect(await configs('--describe', ...one)).toBe(described)
      const wanted = 'cleanup.policy=[compact,delete],max.message.bytes=2000'
      expect(await configs('--alter', ...one, '--add-config', wanted)).toBe(
        `Completed updating config for topic ${topic}.\n`,
      )
      const policy =
        '  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete}\n'
      const size =
        '  max.message.bytes=2000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000, DEFAULT_CONFIG:message.max.bytes=1048588}\n'
      expect(await configs('--describe', '--topic', topic)).toBe(described + policy + size)
      const all = await configs('--describe', '--topic', topic, '--all')
      expect(all).toContain(policy)
      expect(all).toContain('  retention.ms=604800000 sensitive=false synonyms={}\n')

      const sizes = async (recordSize: number) =>
        succeed('kafka-producer-perf-test', ...perf(topic, 2, '--record-size', String(recordSize)))
      expect(await sizes(5000)).toContain('RecordTooLargeException')
      await configs('--alter', '--topic', topic, '--delete-config', 'max.message.bytes,cleanup.policy')
      expect(await configs('--describe', ...one)).toBe(described)
      expect(await sizes(5000)).toMatch(/^2 records sent/)

      const file = join(files, unique('properties'))
      writeFileSync(file, 'segment.ms=60000\n')
      await configs('--alter', '--topic', topic, '--add-config-file', file)
      expect(await configs('--describe', '--topic', topic)).toContain('  segment.ms=60000 ')
    })

    test('is told what is wrong with a config', async () => {
      const topic = await topicOf('configs')
      const set = (...args: string[]) => fail('kafka-configs', '--alter', ...args)
      const complaints = [
        [await set('--topic', topic, '--add-config', 'nonsense=1'), 'Unknown topic config name: nonsense'],
        [
          await set('--topic', topic, '--add-config', 'retention.ms=abc'),
          'Invalid value abc for configuration retention.ms: Not a number of type LONG',
        ],
        [
          await set('--group', unique('configs'), '--add-config', 'consumer.session.timeout.ms=5'),
          'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
        ],
      ]
      for (const [complaint, reason] of complaints) {
        expect(complaint).toContain(`InvalidConfigurationException: ${reason}\n`)
      }
      const absent = unique('absent')
      expect(await set('--topic', absent, '--add-config', 'retention.ms=1')).toContain(
        `UnknownTopicOrPartitionException: The topic '${absent}' does not exist.\n`,
      )
      expect(await configs('--describe', '--topic', absent)).toBe(
        `The topic '${absent}' doesn't exist and doesn't have dynamic config.\n`,
      )
      expect(await set('--broker', nodeId, '--add-config', 'log.dirs=/elsewhere')).toContain(
        'InvalidRequestException: Cannot update these configs dynamically: [log.dirs]\n',
      )
      expect(await set('--client-metrics', unique('configs'), '--add-config', 'interval.ms=1')).toContain(
        'InvalidRequestException: Invalid value 1 for interval.ms, interval must be between 100',
      )
    })

    test('sets configs of one broker and of all, and tells which of them counts', async () => {
      const name = 'log.cleaner.backoff.ms'
      const one = ['--entity-type', 'brokers', '--entity-name', nodeId]
      const row = async (...args: string[]) =>
        (await configs('--describe', ...args)).split('\n').find((line) => line.includes(name))
      const [forOne, forAll, byDefault] = [
        `DYNAMIC_BROKER_CONFIG:${name}=16000`,
        `DYNAMIC_DEFAULT_BROKER_CONFIG:${name}=17000`,
        `DEFAULT_CONFIG:${name}=15000`,
      ]
      expect(await row(...one)).toBeUndefined()
      expect(await configs('--alter', ...one, '--add-config', `${name}=16000`)).toBe(
        `Completed updating config for broker ${nodeId}.\n`,
      )
      expect(await configs('--alter', '--broker-defaults', '--add-config', `${name}=17000`)).toBe(
        'Completed updating default config for brokers in the cluster.\n',
      )
      expect(await row('--broker', nodeId)).toBe(
        `  ${name}=16000 sensitive=false synonyms={${forOne}, ${forAll}, ${byDefault}}`,
      )
      expect(await row('--broker-defaults')).toBe(`  ${name}=17000 sensitive=false synonyms={${forAll}}`)
      await configs('--alter', '--broker', nodeId, '--delete-config', name)
      expect(await row('--broker', nodeId, '--all')).toBe(
        `  ${name}=17000 sensitive=false synonyms={${forAll}, ${byDefault}}`,
      )
      await configs('--alter', '--entity-type', 'brokers', '--entity-default', '--delete-config', name)
      expect(await row('--broker', nodeId)).toBeUndefined()
      expect(await configs('--describe', '--broker-defaults')).toContain(
        '  min.insync.replicas=1 sensitive=false synonyms={DYNAMIC_DEFAULT_BROKER_CONFIG:min.insync.replicas=1}\n',
      )
      expect(await configs('--describe', '--broker-logger', nodeId)).toContain('  root=')
    })

    test('sets configs of a group and of client metrics', async () => {
      const group = unique('configs')
      const timeout = 'consumer.session.timeout.ms=50000'
      const ofGroup = `Dynamic configs for group ${group} are:\n`
      await configs('--alter', '--group', group, '--add-config', timeout)
      expect(await configs('--describe', '--group', group)).toBe(
        `${ofGroup}  ${timeout} sensitive=false synonyms={DYNAMIC_GROUP_CONFIG:${timeout}, DEFAULT_CONFIG:group.consumer.session.timeout.ms=45000}\n`,
      )
      expect(await configs('--describe', '--entity-type', 'groups')).toContain(ofGroup)
      await configs('--alter', '--group', group, '--delete-config', 'consumer.session.timeout.ms')
      expect(await configs('--describe', '--group', group, '--all')).toContain(
        '  consumer.session.timeout.ms=45000 sensitive=false synonyms={DEFAULT_CONFIG:group.consumer.session.timeout.ms=45000}\n',
      )

      const subscription = unique('metrics')
      const metrics = (...args: string[]) => succeed('kafka-client-metrics', ...args)
      await configs(
        ...['--alter', '--client-metrics', subscription],
        ...['--add-config', 'interval.ms=10000,metrics=[org.apache.kafka.,other],match=[client_id=x]'],
      )
      expect(await metrics('--describe', '--name', subscription)).toBe(
        `Client metrics configs for ${subscription} are:\n  interval.ms=10000\n  match=client_id=x\n  metrics=org.apache.kafka.,other\n`,
      )
      expect((await metrics('--list')).split('\n')).toContain(subscription)
      await metrics('--alter', '--name', subscription, '--interval', '20000')
      expect(await configs('--describe', '--client-metrics', subscription)).toContain('  interval.ms=20000 ')
      await metrics('--delete', '--name', subscription)
      expect((await metrics('--list')).split('\n')).not.toContain(subscription)
    })

    test('sets quotas of users, of clients, of both, of addresses, and for all others', async () => {
      const [user, client] = [unique('user'), unique('client')]
      const address = `10.${[...user]
        .map((letter) => letter.charCodeAt(0) % 10)
        .slice(-3)
        .join('.')}`
      const quotas = [
        ['producer_byte_rate=1024,consumer_byte_rate=2048', ['--user', user], `user-principal '${user}'`],
        ['request_percentage=200', ['--client', client], `client-id '${client}'`],
        [
          'request_percentage=150',
          ['--user', user, '--client', client],
          `user-principal '${user}', client-id '${client}'`,
        ],
        ['connection_creation_rate=5', ['--ip', address], `ip '${address}'`],
        ['consumer_byte_rate=1000000000', ['--user-defaults'], 'the default user-principal'],
      ] as const
      for (const [quota, entity, named] of quotas) {
        await configs('--alter', ...entity, '--add-config', quota)
        const rows = (await configs('--describe', ...entity)).split('\n')
        const [row] = rows.filter((line) => line.startsWith(`Quota configs for ${named} are `))
        const values = Object.fromEntries(
          [...(row ?? '').matchAll(/(\w+)=([\d.E]+)/g)].map(([, key, value]) => [key, Number(value)]),
        )
        const expected = quota.split(',').map((pair) => pair.split('='))
        expect(values).toEqual(Object.fromEntries(expected.map(([key, value]) => [key, Number(value)])))
      }
      const ofBoth = ['--describe', '--entity-type', 'users', '--entity-type', 'clients']
      expect(await configs(...ofBoth)).toContain(
        `Quota configs for user-principal '${user}', client-id '${client}' are request_percentage=150.0\n`,
      )
      for (const [quota, entity, named] of quotas) {
        await configs('--alter', ...entity, '--delete-config', quota.replaceAll(/=\d+/g, ''))
        expect(await configs('--describe', ...entity)).not.toContain(`Quota configs for ${named} are `)
      }
      const refusals = ['producer_byte_rate=-5', 'producer_byte_rate=2048.5']
      for (const refusal of refusals) {
        expect(await fail('kafka-configs', '--alter', '--user', user, '--add-config', refusal)).toContain(
          'InvalidRequestException: ',
        )
      }
    })

    test("sets a user's SCRAM credentials and tells nothing but their iterations", async () => {
      const user = unique('scram')
      const credentials = async () =>
        (await configs('--describe', '--user', user))
          .trim()
          .replace(/^.* are /, '')
          .split(', ')
          .sort()
      const alter = ['--alter', '--entity-type', 'users', '--entity-name', user]
      expect(await configs(...alter, '--add-config', 'SCRAM-SHA-256=[iterations=4096,password=secret]')).toBe(
        `Completed updating config for user ${user}.\n`,
      )
      await configs(...alter, '--add-config', 'SCRAM-SHA-512=[iterations=8192,password=secret]')
      expect(await credentials()).toEqual(['SCRAM-SHA-256=iterations=4096', 'SCRAM-SHA-512=iterations=8192'])
      await configs(...alter, '--delete-config', 'SCRAM-SHA-256')
      expect(await configs('--describe', '--user', user)).toBe(
        `SCRAM credential configs for user-principal '${user}' are SCRAM-SHA-512=iterations=8192\n`,
      )
      await configs(...alter, '--delete-config', 'SCRAM-SHA-512')
      expect(await configs('--describe', '--user', user)).toBe('')
      expect(await fail('kafka-configs', ...alter, '--delete-config', 'SCRAM-SHA-512')).toContain(
        'ResourceNotFoundException: ',
      )
    })
  })

  describe('tools for partitions', PATIENCE, () => {
    test('kafka-delete-records moves where a partition begins; kafka-get-offsets and kafka-log-dirs see it', async () => {
      const topic = await topicOf('delete-records', 2)
      await send(probe(), topic, [...numbered(10, 0), ...numbered(4, 1)])
      const offsets = async (...args: string[]) =>
        (await succeed('kafka-get-offsets', '--topic-partitions', `${topic}:0-2`, ...args)).trim().split('\n')
      const dirs = async () => {
        const output = await succeed('kafka-log-dirs', '--describe', '--topic-list', topic)
        const [told, , ...more] = output.trim().split('\n').reverse()
        expect(more).toEqual(['Querying brokers for log directories information'])
        return JSON.parse(told ?? '') as LogDirs
      }
      const before = await dirs()
      expect(before.brokers).toMatchObject([{ broker: Number(nodeId), logDirs: [{ error: null }] }])
      const partitions = before.brokers[0]?.logDirs[0]?.partitions ?? []
      expect(partitions.map(({ partition }) => partition).sort()).toEqual([`${topic}-0`, `${topic}-1`])
      for (const each of partitions) {
        expect(each).toMatchObject({ size: expect.any(Number), offsetLag: 0, isFuture: false })
        expect(each.size).toBeGreaterThan(100)
      }
      const deletions = [
        { topic, partition: 0, offset: 6 },
        { topic, partition: 1, offset: -1 },
      ]
      const deleted = await deleteRecords(deletions)
      expect(deleted).toContain(`partition: ${topic}-0\tlow_watermark: 6\n`)
      expect(deleted).toContain(`partition: ${topic}-1\tlow_watermark: 4\n`)
      expect(await deleteRecords([{ topic, partition: 0, offset: 11 }])).toContain(
        `partition: ${topic}-0\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: `,
      )
      expect(await offsets('--time', 'earliest')).toEqual([`${topic}:0:6`, `${topic}:1:4`])
      expect(await offsets('--time', 'earliest-local')).toEqual([`${topic}:0:6`, `${topic}:1:4`])
      expect(await offsets('--time', 'latest')).toEqual([`${topic}:0:10`, `${topic}:1:4`])
      // Nothing is stored elsewhere.
      expect(await offsets('--time', 'latest-tiered')).toEqual([''])
      const pattern = await succeed('kafka-get-offsets', '--topic', `${topic}.*`, '--exclude-internal-topics')
      expect(pattern).toBe(`${topic}:0:10\n${topic}:1:4\n`)
      expect(await fail('kafka-get-offsets', '--topic', topic, '--partitions', '7')).toContain(
        'Could not match any topic-partitions with the specified filters',
      )
      expect(await fail('kafka-log-dirs', '--describe', '--broker-list', `${nodeId},77`)).toContain(
        `The given brokers do not exist from --broker-list: 77. Current existent brokers: ${nodeId}`,
      )
    })

    const deleteRecords = (partitions: readonly Record<string, unknown>[]) =>
      succeed('kafka-delete-records', '--offset-json-file', jsonFile({ version: 1, partitions }))

    test('kafka-leader-election finds the leaders where they should be', async () => {
      const topic = await topicOf('election', 2)
      const elect = (...args: string[]) => succeed('kafka-leader-election', '--election-type', ...args)
      const elected = `Valid replica already elected for partitions ${topic}-0\n`
      expect(await elect('preferred', '--topic', topic, '--partition', '0')).toBe(elected)
      expect(await elect('unclean', '--topic', topic, '--partition', '0')).toBe(elected)
      const both = jsonFile({ partitions: [0, 1].map((partition) => ({ topic, partition })) })
      expect(
        (await elect('preferred', '--path-to-json-file', both)).match(/[^ ,\n]+-[01]\b/g)?.sort(),
      ).toEqual([`${topic}-0`, `${topic}-1`])
      expect(await elect('preferred', '--all-topic-partitions')).toBe('')
      const absent = ['--topic', unique('absent'), '--partition', '0']
      expect(await fail('kafka-leader-election', '--election-type', 'preferred', ...absent)).toContain(
        'UnknownTopicOrPartitionException: ',
      )
    })

    test('kafka-reassign-partitions generates, executes, verifies, lists and cancels', async () => {
      const topic = await topicOf('reassign', 2)
      const reassign = (...args: string[]) => succeed('kafka-reassign-partitions', ...args)
      const toMove = jsonFile({ version: 1, topics: [{ topic }] })
      const generated = await reassign(
        '--generate',
        '--broker-list',
        nodeId,
        '--topics-to-move-json-file',
        toMove,
      )
      const [, proposed = ''] = generated.split('Proposed partition reassignment configuration\n')
      const replicas = [Number(nodeId)]
      const plan = JSON.parse(proposed) as { readonly partitions: readonly unknown[] }
      expect(plan.partitions).toEqual([
        { topic, partition: 0, replicas, log_dirs: ['any'] },
        { topic, partition: 1, replicas, log_dirs: ['any'] },
      ])

      const file = ['--reassignment-json-file', jsonFile(plan)]
      const executed = await reassign('--execute', '--throttle', '1000000', ...file)
      expect(executed).toContain(`Successfully started partition reassignments for ${topic}-0,${topic}-1\n`)
      const throttles = async () => {
        const [ofBroker, ofTopic] = [
          await configs('--describe', '--broker', nodeId),
          await configs('--describe', '--topic', topic),
        ]
        return `${ofBroker}${ofTopic}`.match(/(?<=^ +)\w+\.replication\.throttled\.[^ ]+/gm)
      }
      expect(await throttles()).toEqual([
        'follower.replication.throttled.rate=1000000',
        'leader.replication.throttled.rate=1000000',
        'follower.replication.throttled.replicas=',
        `leader.replication.throttled.replicas=0:${nodeId},1:${nodeId}`,
      ])
      expect(await reassign('--list')).toBe('No partition reassignments found.\n')
      const done = [0, 1].map(
        (partition) => `Reassignment of partition ${topic}-${partition} is completed.\n`,
      )
      expect(await reassign('--verify', ...file)).toBe(
        `Status of partition reassignment:\n${done.join('')}\nClearing broker-level throttles on broker ${nodeId}\nClearing topic-level throttles on topic ${topic}\n`,
      )
      expect(await throttles()).toBeNull()
      expect(await reassign('--cancel', ...file)).toContain(
        'None of the specified partition reassignments are active.\n',
      )

      const planOf = (partition: number, wanted: readonly number[], more: object = {}) => {
        const partitions = [{ topic, partition, replicas: wanted, ...more }]
        return ['--execute', '--reassignment-json-file', jsonFile({ version: 1, partitions })]
      }
      const refused = (...wanted: Parameters<typeof planOf>) =>
        fail('kafka-reassign-partitions', ...planOf(...wanted))
      expect(await refused(0, [...replicas, 77])).toContain('Error: Unknown broker id 77\n')
      expect(await refused(5, replicas)).toContain(`Unable to find partition: ${topic}-5\n`)
      expect(await refused(0, replicas, { log_dirs: ['/nowhere'] })).toContain('LogDirNotFoundException: ')
      const [logDir] = /(?<="logDir":")[^"]+/.exec(await succeed('kafka-log-dirs', '--describe')) ?? []
      expect(await reassign(...planOf(0, replicas, { log_dirs: [logDir] }))).toContain(
        `Successfully started moving log directory to ${logDir} for replica ${topic}-0 with broker ${nodeId} \n`,
      )
    })
  })

  describe('tools for the cluster', PATIENCE, () => {
    test('kafka-cluster, kafka-broker-api-versions and kafka-metadata-quorum describe one broker that is its own controller', async () => {
      const clusterId = /^Cluster ID: ([\w-]{22})\n$/.exec(await succeed('kafka-cluster', 'cluster-id'))?.[1]
      expect(clusterId).toBeDefined()
      const versions = await succeed('kafka-broker-api-versions')
      expect(versions).toMatch(new RegExp(`^\\S+:\\d+ \\(id: ${nodeId} rack: null isFenced: false\\) -> \\(`))
      expect(versions).toContain('\tProduce(0): 0 to 13 [usable: 13],\n')
      expect(versions).toContain('\tMetadata(3): 0 to 13 [usable: 13],\n')
      const status = await succeed('kafka-metadata-quorum', 'describe', '--status')
      expect(status).toMatch(
        new RegExp(`^ClusterId: +${clusterId}\nLeaderId: +${nodeId}\nLeaderEpoch: +\\d+\n`),
      )
      expect(status).toMatch(/^HighWatermark: +\d+\nMaxFollowerLag: +0\nMaxFollowerLagTimeMs: +0\n/m)
      expect(status).toMatch(
        new RegExp(`^CurrentVoters: +\\[\\{"id": ${nodeId}, .*CurrentObservers: +\\[\\]\n$`, 'ms'),
      )
      const replication = await succeed('kafka-metadata-quorum', 'describe', '--replication')
      expect(replication).toMatch(
        new RegExp(
          `^NodeId\\s.*\n${nodeId}\\s+[\\w-]{22}\\s+\\d+\\s+0\\s+\\d{13}\\s+\\d{13}\\s+Leader\\s*\n$`,
        ),
      )
    })

    test('kafka-features describes, and may try, what is finalized', async () => {
      const described = await succeed('kafka-features', 'describe')
      const row = (feature: string, ...levels: readonly (string | number)[]) =>
        new RegExp(
          `^Feature: ${feature}\\s+SupportedMinVersion: ${levels[0]}\\s+SupportedMaxVersion: ${levels[1]}\\s+FinalizedVersionLevel: ${levels[2]}\\s+Epoch: \\d+$`,
          'm',
        )
      expect(described).toMatch(row('metadata.version', '3.3-IV3', '4.3-IV0', '4.3-IV0'))
      expect(described).toMatch(row('eligible.leader.replicas.version', 0, 1, 1))
      expect(described).toMatch(row('kraft.version', 0, 1, '\\d'))
      const dryRun = (...args: string[]) => [...args, '--dry-run']
      expect(
        await succeed(
          'kafka-features',
          ...dryRun('upgrade', '--feature', 'eligible.leader.replicas.version=1'),
        ),
      ).toBe('eligible.leader.replicas.version can be upgraded to 1.\n')
      for (const impossible of [
        ['upgrade', '--feature', 'nonsense=1'],
        ['upgrade', '--feature', 'kraft.version=7'],
        ['downgrade', '--metadata', '4.1'],
      ]) {
        const complaint = await fail('kafka-features', ...dryRun(...impossible))
        expect(complaint).toMatch(/^Can not (up|down)grade .*\n1 out of 1 operation\(s\) failed\.\n$/m)
      }
    })

    test('kafka-acls is told that there is no authorizer', async () => {
      const acl = ['--allow-principal', 'User:somebody', '--operation', 'Read', '--topic', unique('acls')]
      for (const args of [['--list'], ['--add', ...acl], ['--remove', '--force', ...acl]]) {
        expect(await fail('kafka-acls', ...args)).toContain('SecurityDisabledException: No ')
      }
    })

    test('kafka-groups and kafka-transactions list what there is', async () => {
      const topic = await topicOf('transactions')
      await succeed('kafka-producer-perf-test', ...perf(topic, 3, '--record-size', '10'))
      const one = ['--topic', topic, '--partition', '0']
      const producers = await succeed('kafka-transactions', 'describe-producers', ...one)
      expect(producers).toMatch(/^ProducerId\s+ProducerEpoch\s.*\n\d+\s+0\s+-1\s+2\s+\d{13}\s+None\s*\n$/)
      const group = unique('groups')
      const args = ['--topic', topic, '--num-records', '3', '--group', group]
      await succeed('kafka-consumer-perf-test', ...args)
      expect(await succeed('kafka-groups', '--list')).toMatch(
        new RegExp(`^${group} +Classic +consumer *$`, 'm'),
      )
    })
  })

  describe('tools that measure', PATIENCE, () => {
    test('kafka-producer-perf-test, kafka-consumer-perf-test and EndToEndLatency send all and get all', async () => {
      const topic = await topicOf('perf', 3)
      expect(
        await succeed(
          'kafka-producer-perf-test',
          ...perf(topic, 2000, '--record-size', '100', '--command-property', 'acks=all'),
        ),
      ).toMatch(/^2000 records sent, [\d.]+ records\/sec/m)
      const measured = await succeed(
        'kafka-producer-perf-test',
        ...perf(topic, 500, '--payload-monotonic', '--warmup-records', '100', '--print-metrics'),
        ...['--command-property', 'compression.type=lz4'],
      )
      expect(measured).toMatch(/^400 steady state records sent, /m)
      expect(measured).toMatch(/^producer-metrics:record-error-total:\{client-id=\S+\} +: 0\.000$/m)
      const consumed = await succeed('kafka-consumer-perf-test', '--topic', topic, '--num-records', '2500')
      const [header, row] = consumed
        .trim()
        .split('\n')
        .map((line) => line.split(', '))
      expect(row?.[header?.indexOf('data.consumed.in.nMsg') ?? -1]).toBe('2500')
      const latency = await succeed(
        ...(['kafka-e2e-latency', '--topic', topic, '--num-records', '10'] as const),
        ...['--producer-acks', 'all', '--record-size', '20'],
      )
      expect(latency).toMatch(
        /^Avg latency: [\d.]+ ms\nPercentiles: 50th = \d+, 99th = \d+, 99\.9th = \d+\n$/m,
      )
    })
  })
})

interface LogDirs {
  readonly brokers: readonly {
    readonly broker: number
    readonly logDirs: readonly {
      readonly error: string | null
      readonly partitions: readonly { readonly partition: string; readonly size: number }[]
    }[]
  }[]
}

/** Arguments of kafka-producer-perf-test: as fast as it goes. */
function perf(topic: string, count: number, ...more: readonly string[]): string[] {
  return ['--topic', topic, '--num-records', String(count), '--throughput', '-1', ...more]
}
