import { afterEach, expect, test } from 'vitest'
import { BrokerConfig } from '../config/broker-config.ts'
import { ConnectionQuotas } from './connection-quotas.ts'
import { heartbeat, type RawClient, startTestBroker, type TestBroker } from './raw-client.suite.ts'

const brokers: TestBroker[] = []

afterEach(async () => {
  await Promise.all(brokers.splice(0).map(({ listener }) => listener.stop(100)))
})

async function start(configs: Record<string, string> = {}) {
  const config = new BrokerConfig({ overrides: configs })
  const broker = await startTestBroker({ host: '127.0.0.1', quotas: new ConnectionQuotas(config) })
  brokers.push(broker)
  const set = (dynamic: Record<string, string>) =>
    config.setDynamic({ cluster: new Map(), broker: new Map(Object.entries(dynamic)) })
  return { broker, set, connect: () => broker.connect('127.0.0.1') }
}

/** Whether a client is answered or sent away. */
async function fate(client: RawClient): Promise<'served' | 'closed'> {
  client.send(heartbeat('a', 1))
  return (await client.answer()) === null ? 'closed' : 'served'
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('an address has no more connections than it may have', async () => {
  const { broker, set, connect } = await start({ 'max.connections.per.ip': '2' })
  const clients = [await connect(), await connect()]
  expect(await Promise.all(clients.map(fate))).toEqual(['served', 'served'])
  expect(await fate(await connect())).toBe('closed')
  expect(broker.seen.lines.at(-1)?.msg).toContain('refused: its address has all 2 that it may have')
  set({ 'max.connections.per.ip.overrides': '127.0.0.2:1, localhost:3' })
  expect(await fate(await connect())).toBe('served')
  expect(await fate(await connect())).toBe('closed')
  set({ 'max.connections.per.ip': '1' })
  expect(await Promise.all(clients.map(fate))).toEqual(['served', 'served'])
  for (const client of clients) client.socket.destroy()
  await until(() => broker.listener.connectionCount === 1)
  expect(await fate(await connect())).toBe('closed')
})

test.each(['max.connections', 'listener.name.plaintext.max.connections'])(
  'beyond %s clients wait until another one goes',
  async (name) => {
    const { broker, connect } = await start({ [name]: '2' })
    const clients = [await connect(), await connect(), await connect(), await connect()]
    const fates = clients.map(fate)
    expect(await Promise.all(fates.slice(0, 2))).toEqual(['served', 'served'])
    expect(broker.listener.connectionCount).toBe(2)
    clients[0]?.socket.destroy()
    expect(await fates[2]).toBe('served')
    expect(broker.listener.connectionCount).toBe(2)
    clients[1]?.socket.destroy()
    expect(await fates[3]).toBe('served')
  },
)

test('those who wait are served when there may be more', async () => {
  const { set, connect } = await start({ 'max.connections': '1' })
  expect(await fate(await connect())).toBe('served')
  const waiting = [fate(await connect()), fate(await connect()), fate(await connect())]
  set({ 'max.connections': '3' })
  expect(await Promise.all(waiting.slice(0, 2))).toEqual(['served', 'served'])
  set({ 'max.connections': '3', 'listener.name.plaintext.max.connections': '2' })
  set({})
  set({ 'max.connections': '10' })
  expect(await waiting[2]).toBe('served')
})

test('a stop waits for nobody who waits', async () => {
  const { broker, connect } = await start({ 'max.connections': '1' })
  expect(await fate(await connect())).toBe('served')
  const waiting = await connect()
  await broker.listener.stop(20)
  expect(await waiting.closed()).toBe(0)
})

test('only so many wait', async () => {
  const { connect } = await start({ 'max.connections': '1' })
  expect(await fate(await connect())).toBe('served')
  const clients = await Promise.all(Array.from({ length: 60 }, connect))
  await until(() => clients.filter(({ ended }) => ended).length === 10)
})
