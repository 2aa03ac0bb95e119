import type { Chance } from './chance.suite.ts'

/**
 * A copy of `frame` (without its size) with one to four things wrong: bits, bytes and numbers changed, pieces cut,
 * repeated, put in or taken from `other`. One in sixteen stays as it is, so that states are reached in which
 * the next one does harm.
 */
export function mutate(frame: Buffer, other: Buffer, chance: Chance): Buffer {
  let bytes: Buffer = Buffer.from(frame)
  const changes = chance.pick(CHANGES)
  for (let change = 0; change < changes; change++) {
    bytes = chance.pick(MUTATIONS)(bytes, chance, other)
    if (bytes.length === 0) break
  }
  return bytes
}

/** Mostly one: with each more it is likelier that nobody looks at the rest. */
const CHANGES = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4]

type Mutation = (bytes: Buffer, chance: Chance, other: Buffer) => Buffer

/** Where lengths, counts and offsets tip over. */
const BYTES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff]
const INT16S = [-0x8000, -2, -1, 0, 1, 2, 0xff, 0x100, 0x7ffe, 0x7fff]
const INT32S = [-0x80000000, -2, -1, 0, 1, 2, 0xff, 0xffff, 0x10000, 0xffffff, 0x7ffffffe, 0x7fffffff]
const INT64S = [-(2n ** 63n), -2n, -1n, 0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n]
/** Unsigned varints: compact lengths and counts that are more than there is, and one that does not end. */
const UVARINTS = [
  'ffffffff0f',
  'ffffffff07',
  '8080808008',
  'ffffff7f',
  'ff7f',
  '8000',
  'ffffffffffffffffffff',
].map((hex) => Buffer.from(hex, 'hex'))

const flipBit: Mutation = (bytes, chance) => {
  const at = chance.below(bytes.length)
  bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8))
  return bytes
}

const setByte: Mutation = (bytes, chance) => {
  bytes[chance.below(bytes.length)] = chance.below(4) === 0 ? chance.next() : chance.pick(BYTES)
  return bytes
}

const setInt16: Mutation = (bytes, chance) => {
  if (bytes.length >= 2) bytes.writeInt16BE(chance.pick(INT16S), chance.below(bytes.length - 1))
  return bytes
}

const setInt32: Mutation = (bytes, chance) => {
  if (bytes.length >= 4) bytes.writeInt32BE(chance.pick(INT32S), chance.below(bytes.length - 3))
  return bytes
}

const setInt64: Mutation = (bytes, chance) => {
  if (bytes.length >= 8) bytes.writeBigInt64BE(chance.pick(INT64S), chance.below(bytes.length - 7))
  return bytes
}

const overwriteUvarint: Mutation = (bytes, chance) => {
  chance.pick(UVARINTS).copy(bytes, chance.below(bytes.length))
  return bytes
}

const insertUvarint: Mutation = (bytes, chance) => insert(bytes, chance, chance.pick(UVARINTS))

const cut: Mutation = (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1))

const remove: Mutation = (bytes, chance) => {
  const at = chance.below(bytes.length)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.below(8))])
}

const repeat: Mutation = (bytes, chance) => {
  const at = chance.below(bytes.length)
  return insert(bytes, chance, bytes.subarray(at, at + 1 + chance.below(32)))
}

const insertNoise: Mutation = (bytes, chance) => {
  const noise = Buffer.allocUnsafe(1 + chance.below(16))
  for (let at = 0; at < noise.length; at++) noise[at] = chance.next()
  return insert(bytes, chance, noise)
}

const splice: Mutation = (bytes, chance, other) =>
  Buffer.concat([
    bytes.subarray(0, chance.below(bytes.length + 1)),
    other.subarray(chance.below(other.length + 1)),
  ])

/** Another version of the same API, or one that there is not. */
const setVersion: Mutation = (bytes, chance) => {
  if (bytes.length >= 4) bytes.writeInt16BE(chance.below(20) - 1, 2)
  return bytes
}

const setKey: Mutation = (bytes, chance) => {
  if (bytes.length >= 2) bytes.writeInt16BE(chance.below(96) - 1, 0)
  return bytes
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setByte,
  setInt16,
  setInt32,
  setInt64,
  overwriteUvarint,
  insertUvarint,
  cut,
  remove,
  repeat,
  insertNoise,
  splice,
  setVersion,
  setKey,
]

function insert(bytes: Buffer, chance: Chance, piece: Buffer): Buffer {
  const at = chance.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}
