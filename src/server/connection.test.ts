import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../clock.ts'
import { type AnyHandler, handler } from '../handlers/handler.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { apiVersionsApi } from '../wire/messages/api-versions.ts'
import { heartbeatApi } from '../wire/messages/heartbeat.ts'
import { metadataApi } from '../wire/messages/metadata.ts'
import {
  deferred,
  frameOf,
  heartbeat,
  sized,
  startTestBroker,
  type TestBroker,
  type TestBrokerOptions,
} from './raw-client.suite.ts'

const METADATA_REQUEST = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

const brokers: TestBroker[] = []

async function start(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await startTestBroker(options)
  brokers.push(broker)
  return broker
}

afterEach(async () => {
  await Promise.all(brokers.splice(0).map(({ listener }) => listener.stop(100)))
})

/** Lets sockets and promises do what they can without waiting for anything in particular. */
async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('framing', () => {
  test('frames split at every byte are answered', async () => {
    const broker = await start()
    const client = await broker.connect()
    const bytes = Buffer.concat([heartbeat('a', 1), heartbeat('b', 2)])
    for (let at = 1; at < bytes.length; at++) {
      client.send(bytes.subarray(0, at))
      await turns(2)
      client.send(bytes.subarray(at))
      expect(await client.correlationIds(2)).toEqual([1, 2])
    }
  })

  test('a frame that comes byte by byte is answered', async () => {
    const broker = await start()
    const client = await broker.connect()
    for (const byte of heartbeat('a', 5)) {
      client.send(Buffer.from([byte]))
      await turns(1)
    }
    expect(await client.correlationIds(1)).toEqual([5])
  })

  test('many frames in one chunk are answered in order, in few writes', async () => {
    const broker = await start()
    const client = await broker.connect()
    let chunks = 0
    client.socket.on('data', () => chunks++)
    const ids = Array.from({ length: 2_000 }, (_, index) => index)
    client.send(Buffer.concat(ids.map((id) => heartbeat('a', id))))
    expect(await client.correlationIds(ids.length)).toEqual(ids)
    expect(chunks).toBeLessThan(20)
  })

  test('a request as large as allowed is read, one byte more closes', async () => {
    const broker = await start({ maxRequestBytes: 1_000 })
    const body = heartbeat('a', 9).subarray(4)
    const client = await broker.connect()
    client.send(sized(Buffer.concat([body, Buffer.alloc(1_000 - body.length)])))
    expect(await client.correlationIds(1)).toEqual([9])
    client.send(sized(Buffer.alloc(1_001)))
    expect(await client.closed()).toBe(0)
    expect(warnings(broker)).toEqual([expect.stringContaining('frame size 1001 is not between 0 and 1000')])
  })
})

describe('order', () => {
  test('a slow handler in the middle holds up what was pipelined behind it', async () => {
    const slow = deferred<number>()
    const broker = await start({ behaviours: { slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(
      Buffer.concat([heartbeat('a', 1), heartbeat('slow', 2), heartbeat('b', 3), heartbeat('c', 4)]),
    )
    expect(await client.correlationIds(1)).toEqual([1])
    client.send(heartbeat('d', 5))
    await turns()
    expect(broker.seen.requests).toHaveLength(2)
    slow.resolve(0)
    expect(await client.correlationIds(4)).toEqual([2, 3, 4, 5])
  })

  test('a request that owes no answer keeps its place', async () => {
    const slow = deferred<null>()
    const broker = await start({ behaviours: { none: () => null, slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(
      Buffer.concat([heartbeat('none', 1), heartbeat('a', 2), heartbeat('slow', 3), heartbeat('b', 4)]),
    )
    expect(await client.correlationIds(1)).toEqual([2])
    slow.resolve(null)
    expect(await client.correlationIds(1)).toEqual([4])
  })

  test('a synchronous handler is answered in the tick in which its request arrived', async () => {
    const order: string[] = []
    const broker = await start({
      behaviours: {
        first: () => {
          queueMicrotask(() => order.push('microtask'))
          return 0
        },
        second: () => {
          order.push('second')
          return 0
        },
      },
    })
    const client = await broker.connect()
    client.send(Buffer.concat([heartbeat('first', 1), heartbeat('second', 2)]))
    await client.correlationIds(2)
    expect(order).toEqual(['second', 'microtask'])
  })
})

describe('errors of a handler', () => {
  test('a KafkaError becomes the answer that the handler makes of it', async () => {
    const fail = (): never => {
      throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, 'no such member')
    }
    const broker = await start({ behaviours: { thrown: fail, rejected: async () => fail() } })
    const client = await broker.connect()
    for (const groupId of ['thrown', 'rejected']) {
      const request = { groupId, generationId: 1, memberId: 'm', groupInstanceId: null }
      const answer = await client.request(heartbeatApi, 4, request)
      expect(answer.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    }
    expect(warnings(broker)).toEqual([])
  })

  test('anything else is logged once and answered as UNKNOWN_SERVER_ERROR', async () => {
    const fail = (): never => {
      throw new TypeError('a mistake of ours')
    }
    const broker = await start({ behaviours: { thrown: fail, rejected: async () => fail() } })
    const client = await broker.connect()
    for (const groupId of ['thrown', 'rejected']) {
      const request = { groupId, generationId: 1, memberId: 'm', groupInstanceId: null }
      const answer = await client.request(heartbeatApi, 3, request)
      expect(answer.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
    }
    const errors = broker.seen.lines.filter(({ level }) => level >= 50)
    expect(errors.map(({ msg }) => msg)).toEqual(['Heartbeat v3 failed', 'Heartbeat v3 failed'])
  })

  test('an answer that cannot be written is answered as UNKNOWN_SERVER_ERROR, or closes', async () => {
    const topics = null as unknown as []
    const unwritable = {
      brokers: [],
      clusterId: 'c',
      controllerId: 1,
      topics,
      throttleTimeMs: 0,
      errorCode: 0,
    }
    for (const [failure, ids] of [
      [{ ...unwritable, topics: [] }, [1]],
      [unwritable, []],
    ] as const) {
      const metadata = handler(metadataApi, { handle: () => unwritable, fail: () => failure })
      const broker = await start({ handlers: [metadata] })
      const client = await broker.connect()
      client.send(frameOf(metadataApi, 12, METADATA_REQUEST, 1))
      expect(await client.correlationIds(1)).toEqual(ids)
      expect(warnings(broker)).toContain('Metadata v12 failed')
    }
  })

  test('an error where no answer is owed closes the connection', async () => {
    const broker = await start({
      behaviours: {
        'no answer': () => {
          throw new KafkaError(ErrorCode.INVALID_REQUEST, 'because')
        },
      },
    })
    const client = await broker.connect()
    client.send(Buffer.concat([heartbeat('a', 1), heartbeat('no answer', 2), heartbeat('b', 3)]))
    expect(await client.correlationIds(3)).toEqual([1])
    expect(broker.seen.lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('because'))
  })
})

describe('bad input', () => {
  const good = heartbeat('a', 1)
  const apiVersions5 = Buffer.from('00120005000000070001780000', 'hex')
  const cases: readonly [what: string, bytes: Buffer, told: string][] = [
    ['a negative size', Buffer.from([255, 255, 255, 255]), 'frame size -1 is not'],
    ['a huge size', Buffer.from([127, 255, 255, 255]), 'frame size 2147483647 is not'],
    ['an empty frame', sized(''), 'a request of 0 bytes has no header'],
    ['half a header', sized(good.subarray(4, 9)), 'the header of Heartbeat version 0 does not parse'],
    [
      'an unknown key',
      sized(Buffer.from('03e7000000000001ffff', 'hex')),
      'API key 999 (version 0) is not served',
    ],
    [
      'a negative key',
      sized(Buffer.from('ffff000000000001ffff', 'hex')),
      'API key -1 (version 0) is not served',
    ],
    [
      'a version too high',
      sized(Buffer.from('000c006300000001ffff', 'hex')),
      'Heartbeat version 99 is not served',
    ],
    [
      'a negative version',
      sized(Buffer.from('000cffff00000001ffff', 'hex')),
      'Heartbeat version -1 is not served',
    ],
    ['a body cut short', sized(good.subarray(4, -1)), 'the body of Heartbeat version 0 does not parse'],
    [
      'ApiVersions with a header cut short',
      sized(apiVersions5.subarray(0, 9)),
      'the header of ApiVersions version 5',
    ],
    [
      'HTTP',
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      'this is a Kafka port and not an HTTP one',
    ],
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex'), 'it begins like a TLS handshake'],
  ]

  test.each(cases)('%s: the connection is closed, told in one line', async (_what, bytes, told) => {
    const broker = await start()
    const other = await broker.connect()
    const client = await broker.connect()
    client.send(Buffer.concat([heartbeat('a', 4), bytes, heartbeat('b', 5)]))
    expect(await client.correlationIds(9)).toEqual([4])
    expect(warnings(broker)).toEqual([expect.stringContaining(told)])
    expect(warnings(broker)[0]).toContain(`connection from 127.0.0.1:${client.socket.localPort ?? ''}`)
    other.send(heartbeat('a', 6))
    expect(await other.correlationIds(1)).toEqual([6])
    await until(() => broker.listener.connectionCount === 1)
  })

  test('bytes behind a body are ignored', async () => {
    const broker = await start()
    const client = await broker.connect()
    client.send(sized(Buffer.concat([good.subarray(4), Buffer.from('more')])))
    expect(await client.correlationIds(1)).toEqual([1])
  })

  test.each([5, 99, 32767, -1])(
    'ApiVersions version %i is answered in version 0 with error 35',
    async (version) => {
      const broker = await start()
      const client = await broker.connect()
      const header = Buffer.from(apiVersions5)
      header.writeInt16BE(version, 2)
      client.send(sized(header))
      expect((await client.answer())?.toString('hex')).toBe('00000007002300000001001200000004')
      client.send(heartbeat('a', 3))
      expect(await client.correlationIds(1)).toEqual([3])
    },
  )

  test.each([1, 3, 4, 12])(
    'a frame cut off after %i bytes is dropped when the connection ends',
    async (bytes) => {
      const broker = await start()
      const client = await broker.connect()
      client.send(Buffer.concat([heartbeat('a', 1), heartbeat('b', 2).subarray(0, bytes)]))
      client.socket.end()
      expect(await client.correlationIds(5)).toEqual([1])
      await until(() => broker.listener.connectionCount === 0)
      expect(broker.seen.requests).toHaveLength(1)
    },
  )
})

describe('ends of a connection', () => {
  test('a client that ends its side still gets its answers', async () => {
    const slow = deferred<number>()
    const broker = await start({ behaviours: { slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(Buffer.concat([heartbeat('a', 1), heartbeat('slow', 2), heartbeat('b', 3)]))
    client.socket.end()
    expect(await client.correlationIds(1)).toEqual([1])
    await until(() => broker.seen.calls[1]?.signal.aborted === true)
    slow.resolve(0)
    expect(await client.correlationIds(3)).toEqual([2, 3])
    await until(() => broker.listener.connectionCount === 0)
  })

  test('a client that ends its side is not waited for forever', async () => {
    const clock = new ManualClock()
    const broker = await start({ clock, behaviours: { never: () => new Promise(() => {}) } })
    const client = await broker.connect()
    client.send(heartbeat('never', 1))
    client.socket.end()
    await until(() => broker.seen.calls[0]?.signal.aborted === true)
    await clock.advance(4_999, { clientsAsleep: true })
    expect(client.ended).toBe(false)
    await clock.advance(1, { clientsAsleep: true })
    expect(await client.closed()).toBe(0)
  })

  test('a client that has ended its side has the whole grace for each of its requests', async () => {
    const clock = new ManualClock()
    const slow = deferred<number>()
    const behaviours = { slow: () => slow.promise, never: () => new Promise<number>(() => {}) }
    const broker = await start({ clock, behaviours })
    const client = await broker.connect()
    client.send(Buffer.concat([heartbeat('slow', 1), heartbeat('never', 2)]))
    client.socket.end()
    await until(() => broker.seen.calls[0]?.signal.aborted === true)
    await clock.advance(3_000, { clientsAsleep: true })
    slow.resolve(0)
    expect(await client.correlationIds(1)).toEqual([1])
    await clock.advance(4_999, { clientsAsleep: true })
    expect(client.ended).toBe(false)
    await clock.advance(1, { clientsAsleep: true })
    expect(await client.closed()).toBe(0)
  })

  test('a reset while a long poll waits aborts it and frees the connection', async () => {
    const slow = deferred<number>()
    const broker = await start({ behaviours: { slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(heartbeat('slow', 1))
    await until(() => broker.seen.calls.length === 1)
    expect(broker.seen.calls[0]?.signal.aborted).toBe(false)
    client.socket.resetAndDestroy()
    await until(() => broker.listener.connectionCount === 0)
    expect(broker.seen.calls[0]?.signal.aborted).toBe(true)
    slow.resolve(0)
    await turns()
    expect(warnings(broker)).toEqual([])
  })

  test('a handler that gives up because its client has gone is no error', async () => {
    const broker = await start({
      behaviours: {
        poll: (_request, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
    })
    const client = await broker.connect()
    client.send(heartbeat('poll', 1))
    await until(() => broker.seen.calls.length === 1)
    client.socket.resetAndDestroy()
    await until(() => broker.listener.connectionCount === 0)
    await turns()
    expect(warnings(broker)).toEqual([])
  })

  test('an idle connection is closed when its time is up, to the millisecond', async () => {
    const clock = new ManualClock()
    const broker = await start({ clock, maxIdleMs: 1_000 })
    const quiet = await broker.connect()
    const busy = await broker.connect()
    await until(() => broker.listener.connectionCount === 2)
    await clock.advance(600, { clientsAsleep: true })
    busy.send(heartbeat('a', 1))
    await busy.correlationIds(1)
    await clock.advance(399, { clientsAsleep: true })
    expect(broker.listener.connectionCount).toBe(2)
    await clock.advance(1, { clientsAsleep: true })
    await quiet.closed()
    expect(busy.ended).toBe(false)
    await clock.advance(600, { clientsAsleep: true })
    await busy.closed()
    expect(clock.pending).toBe(0)
  })

  test('a connection whose answer is waited for is not idle', async () => {
    const clock = new ManualClock()
    const slow = deferred<number>()
    const broker = await start({ clock, maxIdleMs: 1_000, behaviours: { slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(heartbeat('slow', 1))
    await until(() => broker.seen.calls.length === 1)
    await clock.advance(10_000, { clientsAsleep: true })
    slow.resolve(0)
    expect(await client.correlationIds(1)).toEqual([1])
    await clock.advance(1_000, { clientsAsleep: true })
    await client.closed()
  })

  test('idle for ever when connections.max.idle.ms is negative', async () => {
    const clock = new ManualClock()
    const broker = await start({ clock, maxIdleMs: -1 })
    const client = await broker.connect()
    await until(() => broker.listener.connectionCount === 1)
    expect(clock.pending).toBe(0)
    client.send(heartbeat('a', 1))
    expect(await client.correlationIds(1)).toEqual([1])
  })
})

describe('bounded memory', () => {
  /** Far more than the kernel takes for a connection. */
  const COUNT = 1_000
  const LARGE = 'x'.repeat(30_000)
  const request = frameOf(metadataApi, 2, METADATA_REQUEST, 1)

  test('a client that does not read is held back, and served on when it reads', async () => {
    const broker = await start({ handlers: [largeAnswers(LARGE)] })
    const client = await broker.connect()
    client.socket.pause()
    client.send(Buffer.concat(new Array<Buffer>(COUNT).fill(request)))
    // As long as the broker goes on serving, it is not held back yet.
    await settled(() => broker.seen.requests.length)
    expect(broker.seen.requests.length).toBeLessThan(COUNT)
    client.socket.resume()
    expect(await client.correlationIds(COUNT)).toHaveLength(COUNT)
  })

  test('what is pipelined behind a slow request is read only so far', async () => {
    const slow = deferred<number>()
    const broker = await start({ behaviours: { slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(heartbeat('slow', 0))
    await until(() => broker.seen.calls.length === 1)
    client.send(Buffer.concat(new Array<Buffer>(COUNT).fill(heartbeat(LARGE, 1))))
    await settled(() => client.socket.writableLength)
    // The kernel's buffers and some 64 kB of ours took the rest.
    expect(client.socket.writableLength).toBeGreaterThan(0)
    slow.resolve(0)
    expect(await client.correlationIds(COUNT + 1)).toHaveLength(COUNT + 1)
  })

  test('a client that never reads is closed when its time is up', async () => {
    const clock = new ManualClock()
    const broker = await start({ clock, maxIdleMs: 1_000, handlers: [largeAnswers(LARGE)] })
    const client = await broker.connect()
    client.socket.pause()
    client.send(Buffer.concat(new Array<Buffer>(COUNT).fill(request)))
    await settled(() => broker.seen.requests.length)
    await clock.advance(1_000, { clientsAsleep: true })
    await until(() => broker.listener.connectionCount === 0)
    client.socket.destroy()
  })

  test('a client that never reads does not hold up a stop', async () => {
    const broker = await start({ handlers: [largeAnswers(LARGE)] })
    const client = await broker.connect()
    client.socket.pause()
    client.send(Buffer.concat([...new Array<Buffer>(COUNT).fill(request), sized('')]))
    await settled(() => broker.seen.requests.length)
    await broker.listener.stop(50)
    expect(broker.listener.connectionCount).toBe(0)
    client.socket.destroy()
  })
})

test('requests are told of with the software that the client named', async () => {
  const broker = await start()
  const client = await broker.connect()
  await client.request(apiVersionsApi, 3, {
    clientSoftwareName: 'librdkafka',
    clientSoftwareVersion: '2.12.0',
  })
  client.send(heartbeat('a', 1, 4))
  await client.correlationIds(1)
  const told = { clientId: 'raw', clientSoftware: 'librdkafka/2.12.0', connectionId: expect.any(String) }
  expect(broker.seen.requests).toEqual([
    { apiKey: 18, apiName: 'ApiVersions', version: 3, ...told },
    { apiKey: 12, apiName: 'Heartbeat', version: 4, ...told },
  ])
})

/** Waits until a number has not changed for a little while. */
async function settled(read: () => number): Promise<void> {
  for (let last = Number.NaN; last !== read(); ) {
    last = read()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function warnings(broker: TestBroker): string[] {
  return broker.seen.lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)
}

/** Answers Metadata with a cluster id of any length. */
function largeAnswers(clusterId: string): AnyHandler {
  const response = { brokers: [], clusterId, controllerId: 1, topics: [], throttleTimeMs: 0, errorCode: 0 }
  return handler(metadataApi, { handle: () => response, fail: () => response })
}
