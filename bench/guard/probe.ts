/**
 * Counts what a process does between two moments: bytes that it allocates, buffers that it copies, calls that it makes
 * to the kernel. From outside: nothing of what is counted knows of it.
 */
import { Buffer } from 'node:buffer'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** Bytes allocated since `begin`; only told where no collection fell in between. */
export class AllocationProbe {
  #heapBytes = 0
  #bufferBytes = 0
  #collections = 0

  constructor() {
    const observer = new PerformanceObserver((list) => {
      this.#collections += list.getEntries().length
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  /**
   * Collects young garbage, so that there is room for what follows; Node has to run with --expose-gc. Never all of it:
   * that also forgets what V8 has learned of the code. The second time what the first has freed is given back.
   */
  async settle(): Promise<void> {
    const collect = globalThis.gc as ((options: { readonly type: 'minor' }) => void) | undefined
    collect?.({ type: 'minor' })
    collect?.({ type: 'minor' })
    await turns()
  }

  begin(): void {
    this.#collections = 0
    this.#bufferBytes = process.memoryUsage().arrayBuffers
    this.#heapBytes = getHeapStatistics().used_heap_size
  }

  async end(): Promise<Allocations | null> {
    const heapBytes = getHeapStatistics().used_heap_size - this.#heapBytes
    const bufferBytes = process.memoryUsage().arrayBuffers - this.#bufferBytes
    await turns()
    return this.#collections === 0 ? { heapBytes, bufferBytes } : null
  }
}

export interface Allocations {
  /** On the heap of JavaScript. */
  readonly heapBytes: number
  /** The memory of buffers. */
  readonly bufferBytes: number
}

export interface Calls {
  readonly copies: number
  readonly copiedBytes: number
  readonly socketReads: number
  readonly socketWrites: number
  /** How often a socket's reading was switched on or off. */
  readonly socketSwitches: number
  readonly fileCalls: number
}

/** Counts calls, from when it is made on, for the rest of the process's life. */
export class CallProbe {
  readonly #counts: { -readonly [Name in keyof Calls]: number } = { ...NO_CALLS }

  constructor() {
    this.#watchCopies()
    this.#watchSockets()
    this.#watchFiles()
  }

  begin(): void {
    Object.assign(this.#counts, NO_CALLS)
  }

  end(): Calls {
    return { ...this.#counts }
  }

  #watchCopies(): void {
    const copied = (bytes: number): void => {
      this.#counts.copies++
      this.#counts.copiedBytes += bytes
    }
    const typedArray = Object.getPrototypeOf(Uint8Array.prototype)
    const lengthOfFirst = (_result: unknown, args: readonly unknown[]): number => sizeOf(args[0])
    wrap(Buffer.prototype, 'copy', (result) => copied(Number(result)))
    wrap(typedArray, 'set', (result, args) => copied(lengthOfFirst(result, args)))
    wrap(typedArray, 'slice', (result) => copied(sizeOf(result)))
    wrap(typedArray, 'copyWithin', (_result, [, start, end]) => copied(Number(end) - Number(start)))
    wrap(ArrayBuffer.prototype, 'slice', (result) => copied(sizeOf(result)))
    wrap(Buffer, 'concat', (result) => copied(sizeOf(result)))
    wrap(Buffer, 'copyBytesFrom', (result) => copied(sizeOf(result)))
    wrap(Buffer, 'from', (result, [source]) => {
      if (!(source instanceof ArrayBuffer || source instanceof SharedArrayBuffer)) copied(sizeOf(result))
    })
  }

  /** Every read of a socket that yielded bytes is told to its handle's `onread`, every write is a call of the handle. */
  #watchSockets(): void {
    const counts = this.#counts
    const isTcp = (handle: unknown): boolean => (handle as object).constructor.name === 'TCP'
    const tcp = tcpPrototype()
    const stream = ownerOf(tcp, 'writeBuffer')
    for (const name of [
      'writeBuffer',
      'writev',
      'writeUtf8String',
      'writeAsciiString',
      'writeLatin1String',
    ]) {
      wrap(stream, name, (_result, _args, handle) => {
        if (isTcp(handle)) counts.socketWrites++
      })
    }
    for (const name of ['readStart', 'readStop']) {
      wrap(stream, name, (_result, _args, handle) => {
        if (isTcp(handle)) counts.socketSwitches++
      })
    }
    // Where this stood, nothing is to be seen but a value: Node sees to it that each handle has its own.
    const owner = ownerOf(stream, 'onread')
    Object.defineProperty(tcp, 'onread', {
      configurable: true,
      get() {
        return Reflect.get(owner, 'onread', this)
      },
      set(onread: (...args: unknown[]) => unknown) {
        const counted = function (this: unknown, ...args: unknown[]): unknown {
          counts.socketReads++
          return onread.apply(this, args)
        }
        Reflect.set(owner, 'onread', counted, this)
      },
    })
  }

  #watchFiles(): void {
    const count = (): void => {
      this.#counts.fileCalls++
    }
    for (const module of [fs, fs.promises]) {
      for (const [name, value] of Object.entries(module)) {
        // Classes, and what watches or streams, are none of what a broker calls for a request.
        if (typeof value === 'function' && /^[a-z](?!.*(Stream|watch))/.test(name)) wrap(module, name, count)
      }
    }
    syncBuiltinESMExports()
  }
}

const NO_CALLS: Calls = {
  copies: 0,
  copiedBytes: 0,
  socketReads: 0,
  socketWrites: 0,
  socketSwitches: 0,
  fileCalls: 0,
}

/** Has `seen` called after every call of a method. */
function wrap(
  owner: object,
  name: string,
  seen: (result: unknown, args: readonly unknown[], self: unknown) => void,
): void {
  const methods = owner as Record<string, ((...args: unknown[]) => unknown) | undefined>
  const method = methods[name]
  if (method === undefined) return
  const counted = function (this: unknown, ...args: unknown[]): unknown {
    const result = method.apply(this, args)
    seen(result, args, this)
    return result
  }
  // What else hangs on a function, such as `realpath.native`, stays there.
  Object.assign(counted, method)
  methods[name] = counted
}

function sizeOf(value: unknown): number {
  const { byteLength, length } = value as { readonly byteLength?: number; readonly length?: number }
  return byteLength ?? length ?? 0
}

/** Where a socket's handle has its methods from. */
function tcpPrototype(): object {
  const socket = net.connect({ port: 1, host: '127.0.0.1' }).on('error', () => {})
  const { _handle: handle } = socket as unknown as { readonly _handle: object }
  socket.destroy()
  return Object.getPrototypeOf(handle)
}

function ownerOf(object: object, name: string): object {
  let owner = object
  while (!Object.hasOwn(owner, name)) {
    const parent = Object.getPrototypeOf(owner) as object | null
    if (parent === null) throw new Error(`a socket's handle has no ${name} in this version of Node`)
    owner = parent
  }
  return owner
}

/** Lets what tells of collections have its turn. */
async function turns(): Promise<void> {
  for (let count = 0; count < 3; count++) await new Promise((resolve) => setImmediate(resolve))
}
