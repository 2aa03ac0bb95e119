/** CRC-32C, natively and in JavaScript, beside the time that it takes to copy the bytes. */
import { createRequire } from 'node:module'
import { type Effort, keep, nanosecondsPer, secondsPerGb, type Value } from './timing.ts'

type Checksum = (bytes: Uint8Array, seed: number) => number

/** The last is far beyond every cache: then it is memory that is waited for. */
const SIZES = [
  { name: '100 B', bytes: 100 },
  { name: '1 KiB', bytes: 1024 },
  { name: '16 KiB', bytes: 16 * 1024 },
  { name: '1 MiB', bytes: 1024 * 1024 },
  { name: '128 MiB', bytes: 128 * 1024 * 1024 },
] as const

export function measureChecksum(effort: Effort): readonly Value[] {
  const require = createRequire(import.meta.url)
  const all = Buffer.alloc(SIZES[4].bytes, 'what is to be checked')
  const target = Buffer.alloc(all.length)
  const javascript = (require('crc-32/crc32c.js') as { buf: Checksum }).buf
  const native = nativeChecksum(require)
  return SIZES.flatMap(({ name, bytes }) => {
    const part = all.subarray(0, bytes)
    const value = (of: string, work: () => void): Value => ({
      figure: 'a checksum',
      unit: 's per GB',
      case: name,
      of,
      value: secondsPerGb(nanosecondsPer(work, effort), bytes),
    })
    return [
      ...(native === null ? [] : [value('@node-rs/crc32', () => keep(native(part, 0)))]),
      value('crc-32', () => keep(javascript(part, 0))),
      value('a copy', () => keep(part.copy(target))),
    ]
  })
}

function nativeChecksum(require: NodeJS.Require): Checksum | null {
  try {
    return (require('@node-rs/crc32') as { crc32c: Checksum }).crc32c
  } catch {
    return null
  }
}
