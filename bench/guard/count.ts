/** Starts a broker for each case, sends it the requests, and asks what they cost. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchConnection } from '../connection.ts'
import type { Counted, Order } from './broker.ts'
import type { GuardCase } from './cases.ts'
import type { Cost } from './compare.ts'
import type { Allocations, Calls } from './probe.ts'

/**
 * Without compiled code the same requests allocate the same bytes: when V8 compiles a function, and what it then finds
 * to need no allocation, depends on much that has nothing to do with the function.
 */
const FLAGS = [
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--expose-gc',
  // No collection may fall into a window.
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
]
const WARM_UP_WINDOWS = 10
/** Many small ones, so that in some of them nothing else happens, such as a table that grows. */
const ALLOCATION_WINDOWS = 40
/** A collection that falls into a window all the same, for buffers above all, makes it worthless. */
const LEAST_ALLOCATION_WINDOWS = 20
const CALL_WINDOWS = 20

/**
 * What one request of a case costs.
 * @param program the file of broker.ts, built.
 */
export async function countCase(program: string, guardCase: GuardCase): Promise<Cost> {
  const folder = guardCase.storage === 'disk' ? await mkdtemp(join(tmpdir(), 'ottla-guard-')) : null
  const broker = new BrokerProcess(program, guardCase.topics, folder)
  try {
    return await countIn(broker, guardCase)
  } finally {
    await broker.stop()
    if (folder !== null) await rm(folder, { recursive: true })
  }
}

async function countIn(broker: BrokerProcess, { name, requests, prepare }: GuardCase): Promise<Cost> {
  using client = await BenchConnection.open(await broker.port())
  const send = await prepare(client)
  const window = async (count: number): Promise<Counted> => {
    await broker.tell('begin')
    for (let sent = 0; sent < count; sent++) await send()
    return broker.tell('end')
  }
  for (let warm = 0; warm < WARM_UP_WINDOWS; warm++) await window(requests)
  const idle: Allocations[] = []
  const allocations: Allocations[] = []
  for (let counted = 0; counted < ALLOCATION_WINDOWS; counted++) {
    add(idle, (await window(0)).allocations)
    add(allocations, (await window(requests)).allocations)
  }
  if (Math.min(idle.length, allocations.length) < LEAST_ALLOCATION_WINDOWS) {
    throw new Error(`${name}: collections fell into the windows: they need fewer requests`)
  }
  await broker.tell('count calls')
  // Sockets that are there already are not counted.
  await client.reconnect()
  await send()
  const calls: Calls[] = []
  for (let counted = 0; counted < CALL_WINDOWS; counted++) add(calls, (await window(requests)).calls)
  return perRequest(requests, idle, allocations, calls)
}

/**
 * About the least of the windows, since what else a broker does now and then comes on top of what the requests cost;
 * not the very least, which a timer that is late on a busy machine can do. Memory for buffers is taken in slabs, so that
 * only many windows together show what a request takes.
 */
function perRequest(
  requests: number,
  idle: readonly Allocations[],
  allocations: readonly Allocations[],
  calls: readonly Calls[],
): Cost {
  const heap = (windows: readonly Allocations[]): number =>
    windows.map(({ heapBytes }) => heapBytes).sort((one, other) => one - other)[2] ?? Number.NaN
  const buffers = (windows: readonly Allocations[]): number => mean(windows, ({ bufferBytes }) => bufferBytes)
  const call = (name: keyof Calls): number => Math.min(...calls.map((window) => window[name])) / requests
  return {
    heapBytes: (heap(allocations) - heap(idle)) / requests,
    bufferBytes: (buffers(allocations) - buffers(idle)) / requests,
    copies: call('copies'),
    copiedBytes: call('copiedBytes'),
    socketReads: call('socketReads'),
    socketWrites: call('socketWrites'),
    socketSwitches: call('socketSwitches'),
    fileCalls: call('fileCalls'),
  }
}

class BrokerProcess {
  readonly #child: ChildProcess
  readonly #said: unknown[] = []
  #heard: () => void = () => {}

  constructor(program: string, topics: number, dataDir: string | null) {
    const args = dataDir === null ? [String(topics)] : [String(topics), dataDir]
    this.#child = fork(program, args, { execArgv: FLAGS })
    this.#child.on('message', (said) => {
      this.#said.push(said)
      this.#heard()
    })
    this.#child.on('exit', () => {
      this.#said.push(null)
      this.#heard()
    })
  }

  port(): Promise<number> {
    return this.#next()
  }

  tell(order: Order): Promise<Counted> {
    this.#child.send(order)
    return this.#next()
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }

  async #next<T>(): Promise<T> {
    while (this.#said.length === 0) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
    const said = this.#said.shift()
    if (said === null) throw new Error('the broker that is counted has died')
    return said as T
  }
}

function add<T>(list: T[], value: T | null): void {
  if (value !== null) list.push(value)
}

function mean<T>(list: readonly T[], figureOf: (one: T) => number): number {
  return list.reduce((sum, one) => sum + figureOf(one), 0) / list.length
}
