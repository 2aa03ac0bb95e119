/** CRC-32C (Castagnoli), the checksum of a record batch. */
import { createRequire } from 'node:module'
import javascriptModule from 'crc-32/crc32c.js'

/** Where the checksum is computed: `native` is @node-rs/crc32, `javascript` the slower crc-32. */
export type Crc32cImplementation = 'native' | 'javascript'

/** Up to here a call of the native one takes longer than the checksum. */
const SMALL_BYTES = 192
/** Until the native one is there, which takes some milliseconds to load, more is computed without it. */
const SMALL_AT_START_BYTES = 2048

/**
 * The CRC-32C of `bytes`, as an unsigned 32-bit number.
 * @param seed the checksum of what precedes `bytes`, where the data comes in pieces.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return bytes.length <= smallBytes ? javascript(bytes, seed) >>> 0 : update(bytes, seed)
}

/** Which implementation is in use, so that the program can say once that the fast one is not installed. */
export function crc32cImplementation(): Crc32cImplementation {
  if (implementation === undefined) load()
  return implementation ?? 'javascript'
}

type Update = (bytes: Uint8Array, seed: number) => number

const { buf: javascript } = javascriptModule as { buf: Update }
let smallBytes = SMALL_AT_START_BYTES
let implementation: Crc32cImplementation | undefined

/** Loads the implementation when the first checksum of more than a little is asked for. */
let update: Update = (bytes, seed) => {
  load()
  return update(bytes, seed)
}

function load(): void {
  const native = loadNative(createRequire(import.meta.url))
  implementation = native === undefined ? 'javascript' : 'native'
  update = native ?? ((bytes, seed) => javascript(bytes, seed) >>> 0)
  smallBytes = SMALL_BYTES
}

/** The optional dependency, or undefined where it is not installed or has no binary for this platform. */
function loadNative(require: NodeJS.Require): Update | undefined {
  try {
    return (require('@node-rs/crc32') as { crc32c: Update }).crc32c
  } catch {
    return undefined
  }
}
