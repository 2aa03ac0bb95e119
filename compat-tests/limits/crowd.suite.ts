/**
 * Run by hold-connections.ts, as a process of its own so that it disturbs nobody else's: many connections that do nothing,
 * and some that send their request, or read their answer, byte by byte.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { frameOf, heartbeat, RawClient } from '../../src/server/raw-client.suite.ts'
import { fetchApi } from '../../src/wire/messages/fetch.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { Reader } from '../../src/wire/reader.ts'
import { buildBatch } from '../../src/wire/records.ts'
import {
  type CrowdEnd,
  type CrowdOrder,
  type CrowdReady,
  fetchRequest,
  produceRequest,
  READ_TOPIC,
  SLOW_TOPIC,
} from './hold-connections.ts'

/** So many connect at the same moment. */
const CONNECTING = 100
const SLOW_RECORD_BYTES = 1_000_000
const SIZE_BYTES = 4

/** A client that does one byte's worth at each step. */
interface Slow {
  readonly socket: Socket
  step(): void
  /** Does all that is left. @returns whether the answer is what it has to be. */
  finish(): Promise<boolean>
}

const [port = 0, idleCount = 0, slowCount = 0] = process.argv.slice(2).map(Number)
const host = '127.0.0.1'
const produce = frameOf(
  produceApi,
  9,
  produceRequest(SLOW_TOPIC, buildBatch([{ value: Buffer.alloc(SLOW_RECORD_BYTES) }])),
)
const fetch = frameOf(fetchApi, 12, fetchRequest(READ_TOPIC, 0n))
let closedCount = 0

const expected = await answerTo(fetch)
const idle = await many(idleCount, () => RawClient.connect(port, host))
const kinds = [slowHeartbeat, slowProducer, slowReader] as const
const slow = await many(slowCount, (index) => (kinds[index % kinds.length] ?? slowReader)())
const sockets = [...idle, ...slow].map(({ socket }) => socket)
for (const socket of sockets) socket.on('close', () => closedCount++)
tell({ connections: sockets.length })

process.on('message', (order: CrowdOrder) => {
  if (order === 'step') {
    for (const client of slow) client.step()
    tell('stepped')
  } else void finish().then(tell)
})
process.on('disconnect', () => process.exit())

async function finish(): Promise<CrowdEnd> {
  const closed = closedCount
  const slowRight = (await Promise.all(slow.map((client) => client.finish()))).filter(Boolean).length
  const answers = await Promise.all(
    idle.map((client) => {
      client.send(heartbeat('group', 7))
      return client.correlationIds(1)
    }),
  )
  const idleRight = answers.filter(([id]) => id === 7).length
  return { closed, slowRight, idleRight }
}

async function slowHeartbeat(): Promise<Slow> {
  const isRight = (answer: Buffer): boolean => answer.readInt32BE(0) === 9
  return slowSender(heartbeat('a group with a name that is long enough to be sent byte by byte', 9), isRight)
}

async function slowProducer(): Promise<Slow> {
  return slowSender(produce, (answer) => {
    const reader = new Reader(answer, 4)
    reader.skipTags()
    return produceApi.response.read(reader, 9).responses[0]?.partitionResponses[0]?.errorCode === 0
  })
}

async function slowSender(frame: Buffer, isRight: (answer: Buffer) => boolean): Promise<Slow> {
  const client = await RawClient.connect(port, host)
  client.send(frame.subarray(0, SIZE_BYTES))
  let at = SIZE_BYTES
  return {
    socket: client.socket,
    step() {
      if (at < frame.length - 1) client.send(frame.subarray(at, ++at))
    },
    async finish() {
      client.send(frame.subarray(at))
      const answer = await client.answer()
      return answer !== null && isRight(answer)
    },
  }
}

/** The kernel hands over a byte at a time, so that the broker soon can send no more. */
async function slowReader(): Promise<Slow> {
  const byte = Buffer.alloc(1)
  const large = Buffer.alloc(2 ** 20)
  const got: Buffer[] = []
  let gotBytes = 0
  let isHurrying = false
  let onWhole: () => void = () => {}
  const callback = (bytes: number, from: Uint8Array): boolean => {
    got.push(Buffer.from(from.subarray(0, bytes)))
    gotBytes += bytes
    if (gotBytes >= expected.length) onWhole()
    return isHurrying
  }
  const buffer = (): Buffer => (isHurrying ? large : byte)
  const socket = connect({ port, host, onread: { buffer, callback } })
  await once(socket, 'connect')
  socket.write(fetch)
  return {
    socket,
    step() {
      socket.resume()
    },
    async finish() {
      isHurrying = true
      const whole = new Promise<void>((resolve) => {
        onWhole = resolve
      })
      socket.resume()
      await Promise.race([whole, once(socket, 'close')])
      return Buffer.concat(got).equals(expected)
    },
  }
}

/** With its size in front, as it comes. */
async function answerTo(frame: Buffer): Promise<Buffer> {
  const client = await RawClient.connect(port, host)
  client.send(frame)
  const answer = await client.answer()
  client.socket.destroy()
  if (answer === null) throw new Error('the connection was closed')
  const size = Buffer.alloc(SIZE_BYTES)
  size.writeInt32BE(answer.length)
  return Buffer.concat([size, answer])
}

async function many<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) {
    const next = Math.min(CONNECTING, count - made.length)
    made.push(...(await Promise.all(Array.from({ length: next }, (_, at) => make(made.length + at)))))
  }
  return made
}

function tell(message: CrowdReady | CrowdEnd | 'stepped'): void {
  process.send?.(message)
}
