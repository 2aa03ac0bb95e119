/** An empty Node server: the floor under every server in Node. */
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../compat-tests/broker-process.ts'
import type { Memory } from './measure.ts'
import { memoryBytes, startProcess } from './processes.ts'

/** What figures are said to be of. */
export const EMPTY_SERVER = 'empty Node server'

export interface EmptyServer extends AsyncDisposable {
  readonly port: number
  /** From exec to the first byte that came back. */
  readonly startMs: number
  memoryBytes(): Memory
}

export async function startEmptyServer(): Promise<EmptyServer> {
  const port = await freePort()
  const began = performance.now()
  const child = startProcess(process.execPath, [
    join(import.meta.dirname, 'start/empty-server.cjs'),
    `${port}`,
  ])
  while (!(await echoes(port))) {
    child.check()
    await pause(1)
  }
  return {
    port,
    startMs: performance.now() - began,
    memoryBytes: () => memoryBytes(child.pid),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

function echoes(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', () => end(true))
    socket.on('error', () => end(false))
    socket.on('close', () => resolve(false))
    socket.write('x')
  })
}
