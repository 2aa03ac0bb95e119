/**
 * What clients are told to connect to, in the situations that hurt people. A relay stands for whatever translates
 * addresses between a client and the broker: a container's published port, a load balancer, a tunnel.
 */
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../../src/index.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { unique } from '../broker.ts'
import { Connection } from '../differential/client.ts'
import { createTopic, kafkaClient, send, withAdmin } from '../kafkajs/client.ts'

/** Passes everything on to `port` of this machine, as a published port does. */
async function relayTo(port: () => number, host = '127.0.0.1') {
  const server: Server = createServer((client) => {
    const broker = connect(port(), host)
    client.pipe(broker).pipe(client)
    client.on('error', () => broker.destroy())
    broker.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: published } = server.address() as AddressInfo
  return {
    published,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

function portOf(cluster: Cluster, listener: string): number {
  return Number(cluster.listeners.get(listener)?.split(':').at(-1))
}

/** Where a client that bootstraps from this address is sent. */
function toldTo(bootstrap: string): Promise<string[]> {
  return withAdmin(kafkaClient(bootstrap), async (admin) => {
    const { brokers } = await admin.describeCluster()
    return brokers.map(({ host, port }) => `${host}:${port}`)
  })
}

async function produceOver(bootstrap: string): Promise<void> {
  const kafka = kafkaClient(bootstrap)
  const topic = unique('listeners')
  await createTopic(kafka, topic)
  const [answer] = await send(kafka, topic, [{ value: 'arrived' }])
  expect(answer).toMatchObject({ errorCode: 0, baseOffset: '0' })
}

describe('what clients are told to connect to', () => {
  it('inside by one name and outside by another, each over its own listener', async () => {
    let cluster: Cluster | undefined
    await using relay = await relayTo(() => portOf(cluster as Cluster, 'OUTSIDE'))
    await using started = await startCluster({
      config: {
        listeners: 'INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0',
        'advertised.listeners': `INSIDE://127.0.0.1:0,OUTSIDE://localhost:${relay.published}`,
        'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
      },
    })
    cluster = started
    const inside = `127.0.0.1:${portOf(cluster, 'INSIDE')}`
    expect(await toldTo(inside)).toEqual([inside])
    expect(await toldTo(`localhost:${relay.published}`)).toEqual([`localhost:${relay.published}`])
    await produceOver(inside)
    await produceOver(`localhost:${relay.published}`)
  })

  it('a published port that differs: the broker cannot know it, and says so when it is told', async () => {
    let cluster: Cluster | undefined
    await using relay = await relayTo(() => portOf(cluster as Cluster, 'PLAINTEXT'))
    await using started = await startCluster({
      config: {
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${relay.published}`,
      },
    })
    cluster = started
    expect(await toldTo(`127.0.0.1:${relay.published}`)).toEqual([`127.0.0.1:${relay.published}`])
    await produceOver(`127.0.0.1:${relay.published}`)
  })

  it('localhost, whether that is 127.0.0.1 or ::1', async () => {
    await using cluster = await startCluster()
    const port = portOf(cluster, 'PLAINTEXT')
    expect(await toldTo(`127.0.0.1:${port}`)).toEqual([`127.0.0.1:${port}`])
    await produceOver(`127.0.0.1:${port}`)
    await produceOver(`localhost:${port}`)
    if (!(await hasIpv6())) return
    // kafkajs cannot be given an IPv6 address.
    const connection = await Connection.open('::1', port)
    const { brokers } = await connection.send(metadataApi, 1, { topics: [] })
    expect(brokers).toMatchObject([{ host: '::1', port }])
    connection.close()
  })

  it('a listener without an advertised name beside one that has one', async () => {
    await using cluster = await startCluster({
      config: {
        listeners: 'NAMED://127.0.0.1:0,PLAIN://127.0.0.1:0',
        'advertised.listeners': 'NAMED://kafka.example.com:9092',
        'listener.security.protocol.map': 'NAMED:PLAINTEXT,PLAIN:PLAINTEXT',
      },
    })
    const plain = `127.0.0.1:${portOf(cluster, 'PLAIN')}`
    expect(await toldTo(plain)).toEqual([plain])
    await produceOver(plain)
  })

  it('is in the log from the start', async () => {
    const lines: string[] = []
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) })
    await using cluster = await startCluster({
      logger,
      config: {
        listeners: 'INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0',
        'advertised.listeners': 'OUTSIDE://kafka.example.com:19092',
        'listener.security.protocol.map': 'INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT',
      },
    })
    expect(lines).toEqual(
      expect.arrayContaining([
        `listener INSIDE is open on 127.0.0.1:${portOf(cluster, 'INSIDE')}: each client is told the address that it connected to`,
        `listener OUTSIDE is open on 127.0.0.1:${portOf(cluster, 'OUTSIDE')}: clients are told to connect to kafka.example.com:19092`,
      ]),
    )
  })
})

function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(0, '::1', () => server.close(() => resolve(true)))
  })
}
