/** What Node itself takes to send and to receive over loopback: the floor under every produce and every fetch. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Value } from './timing.ts'

const WRITE_BYTES = 1_000_000

/** Processor time of each side: `bytes` go from another process to this one. */
export async function measureSocket(bytes: number, program: string): Promise<readonly Value[]> {
  return [
    ...(await transfer(bytes, program, 'data events')),
    ...(await transfer(bytes, program, 'a buffer of its own')),
  ]
}

async function transfer(bytes: number, program: string, how: string): Promise<readonly Value[]> {
  const server = createServer().listen({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const receiver = fork(program, ['receive', String(port), how])
  const [socket] = (await once(server, 'connection')) as [Socket]
  const payload = Buffer.alloc(WRITE_BYTES, 'x')
  // The first part warms up both sides.
  await send(socket, payload, bytes / 4)
  receiver.send('begin')
  await once(receiver, 'message')
  const began = process.cpuUsage()
  await send(socket, payload, bytes)
  const sent = secondsOf(process.cpuUsage(began)) / (bytes / 1e9)
  socket.end()
  const [received] = (await once(receiver, 'message')) as [number]
  server.close()
  await once(receiver, 'exit')
  const common = { figure: 'processor time for what goes over loopback', unit: 's per GB' }
  return [
    { ...common, case: `received, in ${how}`, of: 'Node', value: received },
    ...(how === 'data events' ? [{ ...common, case: 'sent', of: 'Node', value: sent }] : []),
  ]
}

async function send(socket: Socket, payload: Buffer, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += payload.length) {
    if (!socket.write(payload)) await once(socket, 'drain')
  }
}

/** The other process: says the processor seconds per GB that came in since it was told to begin. */
export async function receive(port: number, how: string): Promise<void> {
  let bytes = 0
  const onread =
    how === 'data events'
      ? {}
      : {
          onread: {
            buffer: Buffer.allocUnsafeSlow(WRITE_BYTES),
            callback: (count: number) => {
              bytes += count
              return true
            },
          },
        }
  const socket = connect({ port, host: '127.0.0.1', ...onread })
  if (how === 'data events') socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
  await once(process, 'message')
  const began = process.cpuUsage()
  bytes = 0
  process.send?.(0)
  // With a buffer of its own nothing is left that would be read as a stream.
  socket.resume()
  await once(socket, 'end')
  process.send?.(secondsOf(process.cpuUsage(began)) / (bytes / 1e9))
  process.disconnect?.()
}

function secondsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1e6
}
