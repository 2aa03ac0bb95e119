/** kcat, feature by feature. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROBE_CLIENT_ID, startBroker, type TestBroker, unique } from '../broker.ts'
import { featuresOf } from '../features.ts'
import { committedOffsets, createTopic, kafkaClient } from '../kafkajs/client.ts'
import { storedBatches } from '../stored-batches.ts'
import { describeWith, kcat } from '../tools.ts'
import { until } from '../until.ts'
import {
  type KcatMember,
  type KcatMessage,
  parseMessages,
  runKcat,
  startMember,
  startSender,
} from './kcat.ts'

describeWith(kcat, 'kcat', () => {
  const { shows, complete, version } = featuresOf('kcat')
  let broker: TestBroker
  beforeAll(async () => {
    broker = await startBroker('kcat')
  })
  afterAll(async () => {
    await broker[Symbol.asyncDispose]()
  })

  /** What kcat cannot do itself (topics of several partitions, a look at offsets) is no request of kcat's. */
  const probe = () => kafkaClient(broker.bootstrapServers, PROBE_CLIENT_ID)

  const produce = (topic: string, lines: readonly string[], ...args: readonly string[]): Promise<string> =>
    runKcat(
      ['-P', '-b', broker.bootstrapServers, '-t', topic, ...args],
      lines.map((line) => `${line}\n`).join(''),
    )

  const consume = async (topic: string, ...args: readonly string[]): Promise<KcatMessage[]> =>
    parseMessages(
      await runKcat(['-C', '-b', broker.bootstrapServers, '-t', topic, '-J', '-e', '-q', ...args]),
    )

  const payloads = (messages: readonly KcatMessage[]): (string | null)[] =>
    messages.map(({ payload }) => payload)

  const member = (topic: string, group: string, ...settings: readonly string[]): KcatMember =>
    startMember([
      ...['-b', broker.bootstrapServers, '-G', group, '-J', '-u'],
      ...[
        'auto.offset.reset=earliest',
        'session.timeout.ms=6000',
        'heartbeat.interval.ms=100',
        'fetch.wait.max.ms=50',
        ...settings,
      ].flatMap((setting) => ['-X', setting]),
      topic,
    ])

  const numbered = (count: number, from = 0): string[] =>
    Array.from({ length: count }, (_, index) => `message ${from + index}`)

  test('is the version that the table names', async () => {
    expect(await runKcat(['-V'])).toContain(`Version ${version} `)
  })

  // The longest comes first: it waits for the dead member's session to end.
  shows('crash and resume', async () => {
    const topic = unique('crash')
    const group = unique('crash')
    await createTopic(probe(), topic)
    await produce(topic, numbered(10))
    const join = () => member(topic, group)
    await using mortal = join()
    await mortal.readsAtLeast(10)
    // kcat commits every five seconds, whatever it is told.
    await until('the offset is committed', async () => {
      const committed = await committedOffsets(probe(), group, topic)
      return committed.get(0) === 10
    })
    await mortal.end('SIGKILL')
    await produce(topic, numbered(5, 10))
    await using successor = join()
    const messages = await successor.readsAtLeast(5)
    expect(messages.map(({ offset }) => offset)).toEqual([10, 11, 12, 13, 14])
    expect(payloads(messages)).toEqual(numbered(5, 10))
  })

  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
    shows(codec, async () => {
      const topic = unique(codec)
      const lines = Array.from({ length: 50 }, (_, index) => `${index} `.repeat(200))
      // The topic comes into being as kcat first asks for it.
      await produce(topic, lines, '-z', codec)
      const batches = await storedBatches(broker.bootstrapServers, topic)
      expect(batches.reduce((count, { recordCount }) => count + recordCount, 0)).toBe(50)
      for (const batch of batches) expect(batch.codec).toBe(codec)
      expect(payloads(await consume(topic))).toEqual(lines)
    })
  }

  shows('headers', async () => {
    const topic = unique('headers')
    await createTopic(probe(), topic)
    await produce(topic, ['with'], '-H', 'one=1', '-H', 'two=zwei', '-H', 'one=again', '-H', 'nothing')
    await produce(topic, ['without'])
    const messages = await consume(topic)
    expect(messages.map(({ headers }) => headers)).toEqual([
      ['one', '1', 'two', 'zwei', 'one', 'again', 'nothing', null],
      undefined,
    ])
  })

  shows('keys', async () => {
    const topic = unique('keys')
    await createTopic(probe(), topic, 4)
    const keys = Array.from({ length: 20 }, (_, index) => `key ${index}`)
    const lines = keys.flatMap((key) => [`${key}:${key} first`, `${key}:${key} second`])
    await produce(topic, lines, '-K:')
    await produce(topic, ['no key'])
    const messages = await consume(topic)
    for (const key of keys) {
      const found = messages.filter((message) => message.key === key)
      expect(payloads(found)).toEqual([`${key} first`, `${key} second`])
      expect(found[0]?.partition).toBe(found[1]?.partition)
    }
    expect(messages.find(({ payload }) => payload === 'no key')?.key).toBeNull()
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(4)
  })

  shows('null values', async () => {
    const topic = unique('nulls')
    await createTopic(probe(), topic)
    await produce(topic, ['a:', ':b'], '-K:', '-Z')
    const messages = await consume(topic)
    expect(messages.map(({ key, payload }) => [key, payload])).toEqual([
      ['a', null],
      [null, 'b'],
    ])
  })

  shows('acks 0, 1 and all', async () => {
    const topic = unique('acks')
    await createTopic(probe(), topic)
    for (const acks of ['all', '1', '0']) await produce(topic, [`acks ${acks}`], '-X', `acks=${acks}`)
    await until('all is there', async () => (await consume(topic)).length === 3)
    expect(payloads(await consume(topic))).toEqual(['acks all', 'acks 1', 'acks 0'])
  })

  shows('groups with rebalances', async () => {
    const topic = unique('rebalance')
    const group = unique('rebalance')
    await createTopic(probe(), topic, 4)
    await using one = member(topic, group)
    await until('one has all', () => one.held().length === 4)
    await using two = member(topic, group)
    await until('both share', () => one.held().length === 2 && two.held().length === 2)
    expect([...one.held(), ...two.held()].sort()).toEqual([0, 1, 2, 3])
    expect(one.rebalances().slice(0, 2)).toEqual(['assigned 0 1 2 3', 'revoked 0 1 2 3'])
    for (let partition = 0; partition < 4; partition++) {
      await produce(topic, [`to ${partition}`], '-p', String(partition))
    }
    await one.readsAtLeast(2)
    await two.readsAtLeast(2)
    for (const each of [one, two]) {
      const read = each.messages().map(({ partition }) => partition)
      expect(read.sort()).toEqual(each.held())
    }
    await two.end('SIGTERM')
    await until('one has all again', () => one.held().length === 4)
  })

  shows('cooperative rebalances', async () => {
    const topic = unique('cooperative')
    const group = unique('cooperative')
    await createTopic(probe(), topic, 4)
    const join = () => member(topic, group, 'partition.assignment.strategy=cooperative-sticky')
    await using one = join()
    await until('one has all', () => one.held().length === 4)
    await using two = join()
    await until('both share', () => one.held().length === 2 && two.held().length === 2)
    expect([...one.held(), ...two.held()].sort()).toEqual([0, 1, 2, 3])
    const revoked = one.rebalances().filter((rebalance) => rebalance.startsWith('revoked'))
    expect(revoked.map((rebalance) => rebalance.match(/\d+/g)?.map(Number))).toEqual([two.held()])
    await two.end('SIGTERM')
    await until('one has all again', () => one.held().length === 4)
  })

  shows('static members', async () => {
    const topic = unique('static')
    const group = unique('static')
    await createTopic(probe(), topic, 4)
    const join = (name: string) => member(topic, group, `group.instance.id=${name}`)
    await using one = join('one')
    await using two = join('two')
    await until('both share', () => one.held().length === 2 && two.held().length === 2)
    const held = one.held()
    const rebalances = two.rebalances()
    await one.end('SIGKILL')
    await using again = join('one')
    await until('it has its partitions again', () => again.held().length === 2)
    expect(again.held()).toEqual(held)
    expect(two.rebalances(), 'the other has not noticed').toEqual(rebalances)
  })

  shows('seeks', async () => {
    const topic = unique('seeks')
    await createTopic(probe(), topic)
    await produce(topic, numbered(10))
    const read = async (...args: string[]) => payloads(await consume(topic, ...args))
    expect(await read('-o', 'beginning')).toEqual(numbered(10))
    expect(await read('-o', '7')).toEqual(numbered(3, 7))
    expect(await read('-o', '-2')).toEqual(numbered(2, 8))
    expect(await read('-o', 'end')).toEqual([])
    expect(await read('-o', '3', '-c', '2')).toEqual(numbered(2, 3))
  })

  shows('offsets by time', async () => {
    const topic = unique('time')
    await createTopic(probe(), topic)
    for (const line of numbered(3)) await produce(topic, [line])
    const messages = await consume(topic)
    const [first = 0, second = 0, third = 0] = messages.map(({ ts }) => ts)
    expect([first < second, second < third]).toEqual([true, true])
    const query = (timestamp: number) =>
      runKcat(['-Q', '-b', broker.bootstrapServers, '-t', `${topic}:0:${timestamp}`])
    expect(await query(-2)).toBe(`${topic} [0] offset 0\n`)
    expect(await query(first)).toBe(`${topic} [0] offset 0\n`)
    expect(await query(first + 1)).toBe(`${topic} [0] offset 1\n`)
    expect(await query(third)).toBe(`${topic} [0] offset 2\n`)
    expect(await query(-1)).toBe(`${topic} [0] offset 3\n`)
    expect(payloads(await consume(topic, '-o', `s@${second}`))).toEqual(numbered(2, 1))
    expect(payloads(await consume(topic, '-o', `s@${second}`, '-o', `e@${third}`))).toEqual(['message 1'])
  })

  shows('idempotence', async () => {
    const topic = unique('idempotence')
    await createTopic(probe(), topic)
    const lines = numbered(30)
    await produce(topic, lines, '-X', 'enable.idempotence=true', '-X', 'batch.num.messages=10')
    const batches = await storedBatches(broker.bootstrapServers, topic)
    expect(batches.map(({ baseSequence }) => BigInt(baseSequence))).toEqual(
      batches.map(({ baseOffset }) => baseOffset),
    )
    expect(new Set(batches.map(({ producerId }) => producerId)).size).toBe(1)
    expect(batches[0]?.producerId).toBeGreaterThanOrEqual(0n)
    expect(payloads(await consume(topic))).toEqual(lines)
  })

  shows('transactions', async () => {
    const topic = unique('transactions')
    await createTopic(probe(), topic)
    // All that one kcat sends is one transaction.
    const settings = ['-X', `transactional.id=${unique('transactions')}`]
    const readUncommitted = () => consume(topic, '-X', 'isolation.level=read_uncommitted')
    await produce(topic, numbered(3), ...settings)
    {
      const args = ['-P', '-b', broker.bootstrapServers, '-t', topic, ...settings, '-X', 'linger.ms=0']
      // kcat reads its input by the kilobyte.
      await using _mortal = startSender(args, `open\n${' '.repeat(1024)}`)
      await until('it has sent its message', async () => payloads(await readUncommitted()).includes('open'))
      expect(payloads(await consume(topic))).toEqual(numbered(3))
    }
    // Who uses the id next aborts what was left open.
    await produce(topic, ['last'], ...settings)
    const places = (messages: KcatMessage[]) => messages.map(({ offset, payload }) => `${offset} ${payload}`)
    const committed = ['0 message 0', '1 message 1', '2 message 2']
    expect(places(await consume(topic))).toEqual([...committed, '6 last'])
    expect(places(await readUncommitted())).toEqual([...committed, '4 open', '6 last'])
  })

  complete()
})
