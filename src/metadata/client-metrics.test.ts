import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { errorName } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { ClientMetrics, MAX_INSTANCES, type MetricsClient, type TelemetryPush } from './client-metrics.ts'
import { ConfigResourceType, Metadata, type MetadataRecord } from './metadata.ts'

const MAX_BYTES = 1_000
const MINUTE_MS = 60_000
/** The interval of those whom no subscription asks for anything. */
const INTERVAL_MS = 5 * MINUTE_MS
const ID = 'BBBBBBBBBBBBBBBBBBBBBB'

let clock: ManualClock
let metadata: Metadata
let metrics: ClientMetrics

beforeEach(() => {
  clock = new ManualClock()
  metadata = new Metadata(ZERO_UUID)
  metrics = new ClientMetrics({ clock, random: seededRandom(1), metadata, maxBytes: MAX_BYTES })
})

function client(more: Partial<MetricsClient> = {}): MetricsClient {
  return {
    clientId: 'orders',
    clientHost: '/10.1.2.3',
    clientPort: 4711,
    clientSoftware: 'librdkafka/2.12.0',
    connectionId: 'one',
    signal: new AbortController().signal,
    ...more,
  }
}

function subscribe(resourceName: string, configs: Readonly<Record<string, string | null>>): void {
  const { CLIENT_METRICS: resourceType } = ConfigResourceType
  const records = Object.entries(configs).map(
    ([name, value]): MetadataRecord => ({
      name: 'ConfigRecord',
      value: { resourceType, resourceName, name, value },
    }),
  )
  for (const record of records) metadata.apply(record)
  metrics.follow(records)
}

function ask(id: string = ID, who: MetricsClient = client()): string {
  return outcome(() => metrics.subscriptionOf(id, who).metrics.join())
}

function push(more: Partial<TelemetryPush> = {}, who: MetricsClient = client()): string {
  const { subscriptionId } = new ClientMetrics({
    clock,
    random: seededRandom(1),
    metadata,
    maxBytes: MAX_BYTES,
  }).subscriptionOf(ID, who)
  const whole = {
    clientInstanceId: ID,
    subscriptionId,
    terminating: false,
    compressionType: 0,
    metrics: Buffer.from('m'),
    ...more,
  }
  return outcome(() => {
    const pushed = metrics.push(whole, who)
    return pushed === undefined ? 'taken' : 'waits'
  })
}

function outcome(act: () => string): string {
  try {
    return act()
  } catch (error) {
    return error instanceof KafkaError ? errorName(error.code) : String(error)
  }
}

describe('subscriptions', () => {
  test('nobody is asked for anything when there are none', () => {
    expect(metrics.subscriptionOf(ID, client())).toMatchObject({
      clientInstanceId: ID,
      pushIntervalMs: INTERVAL_MS,
      metrics: [],
    })
  })

  test('a client without an id gets one', () => {
    const first = metrics.subscriptionOf(ZERO_UUID, client())
    expect(first.clientInstanceId).toMatch(/^[\w-]{22}$/)
    expect(first.clientInstanceId).not.toBe(ZERO_UUID)
    expect(metrics.subscriptionOf(ZERO_UUID, client()).clientInstanceId).not.toBe(first.clientInstanceId)
  })

  test('the shortest interval and all the metrics of those that match', () => {
    subscribe('a', { metrics: 'x,y', 'interval.ms': '2000', match: 'client_id=ord.*' })
    subscribe('b', { metrics: 'y,z', 'interval.ms': '1000' })
    subscribe('c', { metrics: 'no', 'interval.ms': '100', match: 'client_id=ord' })
    expect(metrics.subscriptionOf(ID, client())).toMatchObject({
      pushIntervalMs: 1000,
      metrics: ['x', 'y', 'z'],
    })
    subscribe('d', { metrics: '*' })
    expect(ask()).toBe('*')
    subscribe('d', { metrics: null })
    expect(ask()).toBe('x,y,z')
  })

  test('an interval is never longer than without a subscription', () => {
    subscribe('a', { metrics: 'x', 'interval.ms': '3600000' })
    expect(metrics.subscriptionOf(ID, client()).pushIntervalMs).toBe(INTERVAL_MS)
  })

  test.each([
    ['client_id=orders', true],
    ['client_id=order', false],
    ['client_id=a|orders', true],
    [`client_instance_id=${ID}`, true],
    ['client_software_name=lib.*,client_software_version=2\\.12\\.0', true],
    ['client_software_name=lib.*,client_software_version=2\\.13', false],
    ['client_software_name=(?i)LIBRDKAFKA', true],
    ['client_software_version=\\Q2.12.0\\E', true],
    ['client_software_version=\\Q2.12..\\E', false],
    ['client_source_address=10\\.1\\.2\\.3', true],
    ['client_source_port=471[0-9]++', true],
  ])('%s', (match, matches) => {
    subscribe('a', { metrics: 'x', match })
    expect(ask()).toBe(matches ? 'x' : '')
  })

  test('a library that is not known is called unknown', () => {
    subscribe('a', { metrics: 'x', match: 'client_software_name=unknown,client_software_version=unknown' })
    expect(ask(ID, client({ clientSoftware: null }))).toBe('x')
  })
})

describe('time', () => {
  test('who asks again before the interval is over has to wait', async () => {
    expect(ask()).toBe('')
    await clock.advance(INTERVAL_MS - 1)
    expect(ask()).toBe('THROTTLING_QUOTA_EXCEEDED')
    await clock.advance(1)
    expect(ask()).toBe('')
  })

  test('a push may follow the question at once, the next one an interval later', async () => {
    expect([ask(), push(), push()]).toEqual(['', 'taken', 'THROTTLING_QUOTA_EXCEEDED'])
    await clock.advance(INTERVAL_MS - 1)
    expect(push()).toBe('THROTTLING_QUOTA_EXCEEDED')
    await clock.advance(1)
    expect([push(), push()]).toEqual(['taken', 'THROTTLING_QUOTA_EXCEEDED'])
  })

  test('a client is known for three intervals after it was last heard of, and for a minute at least', async () => {
    subscribe('a', { metrics: 'x', 'interval.ms': '1000' })
    const last = { terminating: true }
    expect([push(last), push(last)]).toEqual(['taken', 'INVALID_REQUEST'])
    await clock.advance(MINUTE_MS - 1)
    expect(push(last)).toBe('INVALID_REQUEST')
    await clock.advance(MINUTE_MS)
    expect(push(last)).toBe('taken')
    subscribe('a', { 'interval.ms': '100000' })
    expect(push(last)).toBe('taken')
    await clock.advance(299_999)
    expect(push(last)).toBe('INVALID_REQUEST')
    await clock.advance(300_000)
    expect(push(last)).toBe('taken')
  })

  test('a change of subscriptions lets everybody begin anew', () => {
    expect([ask(), ask()]).toEqual(['', 'THROTTLING_QUOTA_EXCEEDED'])
    subscribe('a', { metrics: 'x' })
    expect([ask(), ask()]).toEqual(['x', 'THROTTLING_QUOTA_EXCEEDED'])
  })
})

describe('pushes', () => {
  test.each([ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ'])('the id %s is nobody', (clientInstanceId) => {
    expect(push({ clientInstanceId })).toBe('INVALID_REQUEST')
    expect(metrics.size).toBe(0)
  })

  test('of a subscription that is not the own, after which the client may ask once', () => {
    expect(ask()).toBe('')
    expect(push({ subscriptionId: 1 })).toBe('UNKNOWN_SUBSCRIPTION_ID')
    expect([ask(), ask()]).toEqual(['', 'THROTTLING_QUOTA_EXCEEDED'])
  })

  test('of a compression type that there is not', () => {
    expect(push({ compressionType: 5 })).toBe('UNSUPPORTED_COMPRESSION_TYPE')
    expect(ask()).toBe('')
  })

  test('too large', () => {
    expect(push({ metrics: Buffer.alloc(MAX_BYTES + 1) })).toBe('TELEMETRY_TOO_LARGE')
  })

  test.each([
    ['that decompress', gzipSync(Buffer.alloc(MAX_BYTES)), 'taken'],
    ['that come to too much', gzipSync(Buffer.alloc(MAX_BYTES + 1)), 'INVALID_RECORD'],
    ['that do not decompress', Buffer.from('no gzip'), 'INVALID_RECORD'],
    ['that are not there', Buffer.alloc(0), 'taken'],
  ])('of metrics %s', (_, bytes, expected) => {
    expect(push({ compressionType: 1, metrics: bytes })).toBe(expected)
  })

  test('large ones are decompressed in pieces, and no further than needed', async () => {
    const bytes = gzipSync(Buffer.alloc(900_000))
    const { subscriptionId } = metrics.subscriptionOf(ID, client())
    const pushed = metrics.push(
      { clientInstanceId: ID, subscriptionId, terminating: false, compressionType: 1, metrics: bytes },
      client(),
    )
    await expect(pushed).rejects.toMatchObject({ message: expect.stringContaining('telemetry.max.bytes') })
  })

  test('the last one comes whenever it likes, and none after it', () => {
    expect([push(), push({ terminating: true })]).toEqual(['taken', 'taken'])
    expect(push()).toBe('INVALID_REQUEST')
  })
})

describe('who is known', () => {
  test('a client is forgotten with the connection that it first came over', () => {
    const first = new AbortController()
    const other = new AbortController()
    expect(ask(ID, client({ signal: first.signal }))).toBe('')
    expect(ask(ID, client({ signal: other.signal, connectionId: 'two' }))).toBe('THROTTLING_QUOTA_EXCEEDED')
    other.abort()
    expect(metrics.size).toBe(1)
    first.abort()
    expect(metrics.size).toBe(0)
  })

  test('the least recently heard of is forgotten when there are too many', () => {
    expect(ask()).toBe('')
    const second = metrics.subscriptionOf(ZERO_UUID, client()).clientInstanceId
    expect(ask()).toBe('THROTTLING_QUOTA_EXCEEDED')
    for (let count = metrics.size; count <= MAX_INSTANCES; count++) ask(ZERO_UUID)
    expect(metrics.size).toBe(MAX_INSTANCES)
    expect(ask()).toBe('THROTTLING_QUOTA_EXCEEDED')
    expect(ask(second)).toBe('')
  })
})
