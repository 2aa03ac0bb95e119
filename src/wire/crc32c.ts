/** CRC-32C (Castagnoli), the checksum of a record batch. */
import { createRequire } from 'node:module'

/** Where the checksum is computed: `native` is @node-rs/crc32, `javascript` the slower crc-32. */
export type Crc32cImplementation = 'native' | 'javascript'

/**
 * The CRC-32C of `bytes`, as an unsigned 32-bit number.
 * @param seed the checksum of what precedes `bytes`, where the data comes in pieces.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  return update(bytes, seed)
}

/** Which implementation is in use, so that the program can say once that the fast one is not installed. */
export function crc32cImplementation(): Crc32cImplementation {
  if (implementation === undefined) load()
  return implementation ?? 'javascript'
}

type Update = (bytes: Uint8Array, seed: number) => number

let implementation: Crc32cImplementation | undefined

/** Loads the implementation when the first checksum is asked for: a start that needs none does not pay for it. */
let update: Update = (bytes, seed) => {
  load()
  return update(bytes, seed)
}

function load(): void {
  const require = createRequire(import.meta.url)
  const native = loadNative(require)
  if (native !== undefined) {
    implementation = 'native'
    update = native
    return
  }
  const { buf } = require('crc-32/crc32c.js') as { buf: Update }
  implementation = 'javascript'
  update = (bytes, seed) => buf(bytes, seed) >>> 0
}

/** The optional dependency, or undefined where it is not installed or has no binary for this platform. */
function loadNative(require: NodeJS.Require): Update | undefined {
  try {
    return (require('@node-rs/crc32') as { crc32c: Update }).crc32c
  } catch {
    return undefined
  }
}
