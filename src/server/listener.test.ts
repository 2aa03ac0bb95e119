import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { clientHost, hostAndPort, plainAddress } from './addresses.ts'
import { bind, makeServer, portOf } from './bind.ts'
import { Listener } from './listener.ts'
import {
  deferred,
  heartbeat,
  RawClient,
  startTestBroker,
  type TestBroker,
  type TestBrokerOptions,
} from './raw-client.suite.ts'

const brokers: TestBroker[] = []

async function start(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await startTestBroker(options)
  brokers.push(broker)
  return broker
}

afterEach(async () => {
  await Promise.all(brokers.splice(0).map(({ listener }) => listener.stop(100)))
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** What a Heartbeat over the connection was told about it. */
async function told(broker: TestBroker, client: RawClient): Promise<TestBroker['seen']['calls'][number]> {
  client.send(heartbeat('a', 1))
  expect(await client.correlationIds(1)).toEqual([1])
  return broker.seen.calls.at(-1)!
}

describe('addresses', () => {
  test.each([undefined, 'localhost'])('host %s is reached by 127.0.0.1 and ::1 alike', async (host) => {
    const broker = await start({ host })
    const four = await told(broker, await broker.connect('127.0.0.1'))
    expect(four).toMatchObject({
      clientHost: '/127.0.0.1',
      advertised: { host: '127.0.0.1', port: broker.listener.port },
      listenerName: 'PLAINTEXT',
    })
    const six = await told(broker, await broker.connect('::1'))
    expect(six).toMatchObject({
      clientHost: '/0:0:0:0:0:0:0:1',
      advertised: { host: '::1', port: broker.listener.port },
    })
    expect(six.connectionId).not.toBe(four.connectionId)
  })

  test('an address alone is bound alone', async () => {
    const broker = await start({ host: '127.0.0.1' })
    await told(broker, await broker.connect('127.0.0.1'))
    await expect(broker.connect('::1')).rejects.toThrow('ECONNREFUSED')
  })

  test('two listeners of a broker advertise each its own address', async () => {
    const inside = await start({ name: 'INSIDE', advertised: { host: 'kafka', port: 29092 } })
    const outside = new Listener({
      name: 'OUTSIDE',
      port: 0,
      advertised: { host: 'broker.example', port: 0 },
      dispatcher: inside.dispatcher,
      maxRequestBytes: 1_000,
      maxIdleMs: 1_000,
      clock: inside.seen.calls[0]?.clock ?? (await told(inside, await inside.connect())).clock,
      logger: inside.seen.calls[0]!.logger,
    })
    await outside.listen()
    expect(await told(inside, await inside.connect())).toMatchObject({
      listenerName: 'INSIDE',
      advertised: { host: 'kafka', port: 29092 },
    })
    expect(await told(inside, await RawClient.connect(outside.port))).toMatchObject({
      listenerName: 'OUTSIDE',
      advertised: { host: 'broker.example', port: outside.port },
    })
    await outside.stop(100)
    await told(inside, await inside.connect())
  })

  test('as Kafka prints them', () => {
    expect(clientHost('::ffff:10.1.2.3')).toBe('/10.1.2.3')
    expect(clientHost('::1')).toBe('/0:0:0:0:0:0:0:1')
    expect(clientHost('fe80::1:2%eth0')).toBe('/fe80:0:0:0:0:0:1:2%eth0')
    expect(clientHost('2001:db8:1:2:3:4:5:6')).toBe('/2001:db8:1:2:3:4:5:6')
    expect(clientHost('2001:db8::')).toBe('/2001:db8:0:0:0:0:0:0')
    expect(clientHost('::')).toBe('/0:0:0:0:0:0:0:0')
    expect(plainAddress('::ffff:7f00:1')).toBe('::ffff:7f00:1')
    expect(hostAndPort('::1', 9092)).toBe('[::1]:9092')
    expect(hostAndPort('localhost', 9092)).toBe('localhost:9092')
  })
})

describe('opening', () => {
  test('nobody is let in before listen', async () => {
    const { dispatcher, seen } = await start()
    const other = await start()
    const { clock, logger } = await told(other, await other.connect())
    await other.listener.stop()
    const { port } = other.listener
    const options = {
      port,
      advertised: null,
      dispatcher,
      clock,
      logger,
      maxRequestBytes: 1_000,
      maxIdleMs: 1_000,
    }
    const listener = new Listener({ name: 'PLAINTEXT', ...options })
    await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED')
    await listener.listen()
    const client = await RawClient.connect(port)
    client.send(heartbeat('a', 1))
    expect(await client.correlationIds(1)).toEqual([1])
    expect(seen.requests).toHaveLength(1)
    await listener.stop(0)
  })

  test.each([undefined, 'localhost', '127.0.0.1'])(
    'a port in use is said plainly (host %s)',
    async (host) => {
      const taken = await start({ host })
      const again = startTestBroker({ host, port: taken.listener.port })
      const address = `${host ?? '*'}:${taken.listener.port}`
      await expect(again).rejects.toThrow(
        `cannot listen on ${address}: the port is in use. Stop the program that listens there, or choose another port`,
      )
      await expect(again).rejects.toMatchObject({
        name: 'ListenError',
        code: 'EADDRINUSE',
        port: taken.listener.port,
      })
    },
  )

  test('localhost with only the IPv6 port in use is an error, and leaves nothing open', async () => {
    const taken = await listen(createServer(), '::1')
    const port = portOf(taken)
    await expect(startTestBroker({ host: 'localhost', port })).rejects.toThrow('the port is in use')
    await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED')
    await new Promise((resolve) => taken.close(resolve))
  })

  test('an address of another machine is said plainly', async () => {
    await expect(startTestBroker({ host: '192.0.2.1' })).rejects.toThrow('this machine has no such address')
  })

  test('a listener may be stopped without having listened', async () => {
    const { dispatcher } = await start()
    const { clock, logger } = await told(brokers[0]!, await brokers[0]!.connect())
    const options = {
      port: 0,
      advertised: null,
      dispatcher,
      clock,
      logger,
      maxRequestBytes: 1_000,
      maxIdleMs: 1_000,
    }
    await new Listener({ name: 'PLAINTEXT', ...options }).stop()
  })
})

describe('where IPv6 is lacking', () => {
  /** A server of a machine that refuses ::1, with an error of the given code, the first `times` times. */
  function refusing(code: string, times: number): () => Server {
    let left = times
    return () => {
      const server = makeServer()
      const listen = server.listen.bind(server) as (...args: unknown[]) => Server
      server.listen = ((options: { host?: string }, listening: () => void) => {
        if (options.host !== '::1' || left-- <= 0) return listen(options, listening)
        process.nextTick(() => server.emit('error', Object.assign(new Error(code), { code })))
        return server
      }) as Server['listen']
      return server
    }
  }

  test.each(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])('localhost is 127.0.0.1 alone (%s)', async (code) => {
    const servers = await bind('localhost', 0, refusing(code, 1))
    expect(servers.map((server) => server.address())).toMatchObject([{ address: '127.0.0.1' }])
    for (const server of servers) server.close()
  })

  test('a free port that is taken for IPv6 is given up for another', async () => {
    const servers = await bind('localhost', 0, refusing('EADDRINUSE', 3))
    expect(servers.map((server) => server.address())).toMatchObject([
      { address: '127.0.0.1' },
      { address: '::1' },
    ])
    expect(portOf(servers[0]!)).toBe(portOf(servers[1]!))
    for (const server of servers) server.close()
  })
})

describe('a listener that nobody stops', () => {
  const script = fileURLToPath(new URL('forgotten.suite.ts', import.meta.url))
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, ['--import', 'tsx', script, ...args])

  test('does not keep the process alive', async () => {
    const child = start()
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
  })

  test('keeps it alive when asked to', async () => {
    const child = start('keepAlive')
    const [text] = await once(child.stdout!, 'data')
    expect(String(text)).toBe('answered 1\n')
    // It would be gone by now, as the other is.
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(child.exitCode).toBeNull()
    child.kill()
    await once(child, 'exit')
  })
})

describe('a graceful stop', () => {
  test('answers what is in flight, what was pipelined behind it included, and takes nothing more', async () => {
    const slow = deferred<number>()
    const broker = await start({ behaviours: { slow: () => slow.promise } })
    const client = await broker.connect()
    client.send(Buffer.concat([heartbeat('slow', 1), heartbeat('a', 2)]))
    await until(() => broker.seen.calls.length === 1)
    const stopped = broker.listener.stop(10_000)
    expect(broker.seen.calls[0]?.signal.aborted).toBe(true)
    await expect(broker.connect()).rejects.toThrow('ECONNREFUSED')
    client.send(heartbeat('b', 3))
    slow.resolve(0)
    expect(await client.correlationIds(5)).toEqual([1, 2])
    client.socket.end()
    await stopped
    expect(client.error).toBeNull()
  })

  test('a long poll is over at once', async () => {
    const broker = await start({
      behaviours: {
        poll: (_request, { signal }) =>
          new Promise((resolve) => signal.addEventListener('abort', () => resolve(0), { once: true })),
      },
    })
    const client = await broker.connect()
    client.socket.on('end', () => client.socket.end())
    client.send(heartbeat('poll', 1))
    await until(() => broker.seen.calls.length === 1)
    await broker.listener.stop(10_000)
    expect(await client.correlationIds(2)).toEqual([1])
  })

  test('idle connections are closed at once, answers on their way still arrive', async () => {
    const broker = await start()
    const idle = await broker.connect()
    const client = await broker.connect()
    client.send(heartbeat('a', 1))
    await until(() => broker.seen.requests.length === 1)
    await broker.listener.stop(10_000)
    expect(await client.correlationIds(2)).toEqual([1])
    expect(await idle.closed()).toBe(0)
  })

  test('what does not come to an end is cut off when the grace is over', async () => {
    const broker = await start({ behaviours: { never: () => new Promise(() => {}) } })
    const client = await broker.connect()
    client.send(heartbeat('never', 1))
    await until(() => broker.seen.calls.length === 1)
    await broker.listener.stop(20)
    expect(await client.closed()).toBe(0)
    expect(broker.listener.connectionCount).toBe(0)
  })

  test('stopping twice is as good as once', async () => {
    const broker = await start()
    await Promise.all([broker.listener.stop(), broker.listener.stop()])
    await broker.listener.stop()
  })
})

test('a thousand connections are served, and leave nothing behind', async () => {
  const broker = await start({ host: '127.0.0.1' })
  const clients = await Promise.all(Array.from({ length: 1_000 }, () => broker.connect()))
  for (const [id, client] of clients.entries()) client.send(heartbeat('a', id))
  const ids = await Promise.all(clients.map((client) => client.correlationIds(1)))
  expect(ids.flat()).toEqual(clients.map((_, id) => id))
  expect(broker.listener.connectionCount).toBe(1_000)
  for (const client of clients) client.socket.destroy()
  await until(() => broker.listener.connectionCount === 0)
})

test('half-open connections are left to us', async () => {
  const server = await listen(makeServer(), '127.0.0.1')
  const accepted = new Promise((resolve) => server.once('connection', resolve))
  const socket = connect(portOf(server), '127.0.0.1')
  expect(await accepted).toMatchObject({ allowHalfOpen: true })
  socket.destroy()
  server.close()
})

function listen(server: Server, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => resolve(server))
  })
}
