/**
 * The two entropy codes of Zstandard (RFC 8878, section 4): FSE tables and Huffman trees, as they are described in
 * a block and as they decode. All functions here read a block that has PADDING_BYTES zeros on both sides, so that
 * four bytes may be loaded around every bit of it.
 */
import { CompressionError } from './compression-error.ts'

/** How many zeros have to stand before and behind a block that is read here. */
export const PADDING_BYTES = 8

/** A state machine that yields a symbol per state, and the next state from a few bits. */
export interface FseTable {
  readonly accuracyLog: number
  readonly symbols: Uint8Array
  /** How many bits lead from a state to the next, and what they are added to. */
  readonly bits: Uint8Array
  readonly bases: Uint16Array
}

/** What each value of the next `maxBits` bits stands for, and how many of them it takes. */
export interface HuffmanTable {
  readonly maxBits: number
  readonly symbols: Uint8Array
  readonly bits: Uint8Array
}

export function corrupt(what: string): CompressionError {
  return new CompressionError(`Zstandard ${what}`)
}

/** The `count` bits, at most 24, that begin at bit `position`. */
export function bitsAt(block: Uint8Array, position: number, count: number): number {
  const at = position >> 3
  const word =
    (block[at] as number) |
    ((block[at + 1] as number) << 8) |
    ((block[at + 2] as number) << 16) |
    ((block[at + 3] as number) << 24)
  return (word >>> (position & 7)) & ((1 << count) - 1)
}

/**
 * Where a stream that is read backwards begins to be read: the bit behind its last one, which a 1 marks.
 * @param start of the stream in bytes.
 * @param end of the stream in bytes.
 */
export function backwardStart(block: Uint8Array, start: number, end: number): number {
  const last = end > start ? (block[end - 1] as number) : 0
  if (last === 0) throw corrupt('bit stream without an end mark')
  return end * 8 - 8 + 31 - Math.clz32(last)
}

/**
 * Reads the description of an FSE table that starts at byte `start`.
 * @returns the table, and the byte behind its description.
 */
export function readFseTable(
  block: Uint8Array,
  start: number,
  end: number,
  maxAccuracyLog: number,
  maxSymbol: number,
): { readonly table: FseTable; readonly end: number } {
  const accuracyLog = ((block[start] as number) & 15) + 5
  if (accuracyLog > maxAccuracyLog) throw corrupt(`table of ${accuracyLog} bits`)
  const counts = new Int16Array(maxSymbol + 1)
  let position = start * 8 + 4
  let threshold = 1 << accuracyLog
  let remaining = threshold + 1
  let width = accuracyLog + 1
  let symbol = 0
  while (remaining > 1) {
    if (symbol > maxSymbol || position > end * 8) throw corrupt('table description')
    const small = 2 * threshold - 1 - remaining
    const value = bitsAt(block, position, width)
    let count = value & (threshold - 1)
    if (count < small) position += width - 1
    else {
      count = value >= threshold ? value - small : value
      position += width
    }
    // The number that stands there is one too high, so that -1 can be written: a probability below 1.
    count--
    remaining -= Math.abs(count)
    counts[symbol++] = count
    while (remaining < threshold && threshold > 1) {
      width--
      threshold >>= 1
    }
    if (count !== 0) continue
    for (let zeros = 3; zeros === 3; symbol += zeros) {
      if (symbol > maxSymbol) throw corrupt('table description')
      zeros = bitsAt(block, position, 2)
      position += 2
    }
  }
  const tableEnd = (position + 7) >> 3
  if (remaining !== 1 || tableEnd > end) throw corrupt('table description')
  return { table: fseTable(counts, accuracyLog), end: tableEnd }
}

/** @param counts how many of the 2^accuracyLog states each symbol has; -1 for one with the widest step. */
export function fseTable(counts: Int16Array, accuracyLog: number): FseTable {
  const size = 1 << accuracyLog
  const symbols = new Uint8Array(size)
  const next = new Uint16Array(counts.length)
  let high = size - 1
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[high--] = symbol
    next[symbol] = Math.abs(count)
  })
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  counts.forEach((count, symbol) => {
    for (let left = count; left > 0; left--) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at > high)
    }
  })
  if (at !== 0) throw corrupt('table with wrong counts')
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  symbols.forEach((symbol, state) => {
    const rank = next[symbol] as number
    next[symbol] = rank + 1
    const width = accuracyLog - (31 - Math.clz32(rank))
    bits[state] = width
    bases[state] = (rank << width) - size
  })
  return { accuracyLog, symbols, bits, bases }
}

/** The table of a single symbol, which takes no bits at all. */
export function singleSymbolTable(symbol: number): FseTable {
  return {
    accuracyLog: 0,
    symbols: Uint8Array.of(symbol),
    bits: new Uint8Array(1),
    bases: new Uint16Array(1),
  }
}

const MAX_HUFFMAN_BITS = 11

/** Reads the description of a Huffman tree that starts at byte `start`. */
export function readHuffmanTable(
  block: Uint8Array,
  start: number,
  end: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const weights = new Uint8Array(256)
  const head = block[start] as number
  const first = start + 1
  if (head < 128) {
    const weightsEnd = first + head
    if (weightsEnd > end) throw corrupt('tree description')
    const count = readCodedWeights(block, first, weightsEnd, weights)
    return { table: huffmanTable(weights, count), end: weightsEnd }
  }
  const count = head - 127
  const weightsEnd = first + ((count + 1) >> 1)
  if (weightsEnd > end) throw corrupt('tree description')
  for (let index = 0; index < count; index++) {
    const pair = block[first + (index >> 1)] as number
    weights[index] = index % 2 === 0 ? pair >> 4 : pair & 15
  }
  return { table: huffmanTable(weights, count), end: weightsEnd }
}

/** Weights that are themselves FSE coded, by two states in turn. Returns how many there are. */
function readCodedWeights(block: Uint8Array, start: number, end: number, weights: Uint8Array): number {
  const { table, end: tableEnd } = readFseTable(block, start, end, 6, MAX_HUFFMAN_BITS + 1)
  const floor = tableEnd * 8
  let position = backwardStart(block, tableEnd, end)
  const states = [0, 0]
  for (const turn of [0, 1]) {
    position -= table.accuracyLog
    if (position < floor) throw corrupt('tree description')
    states[turn] = bitsAt(block, position, table.accuracyLog)
  }
  for (let count = 0; count < 254; ) {
    const turn = count % 2
    const state = states[turn] as number
    weights[count++] = table.symbols[state] as number
    const width = table.bits[state] as number
    position -= width
    if (position < floor) {
      weights[count++] = table.symbols[states[1 - turn] as number] as number
      return count
    }
    states[turn] = (table.bases[state] as number) + bitsAt(block, position, width)
  }
  throw corrupt('tree of too many symbols')
}

/** @param count how many weights are known; that of the next symbol follows from them. */
function huffmanTable(weights: Uint8Array, count: number): HuffmanTable {
  let sum = 0
  for (let symbol = 0; symbol < count; symbol++) {
    const weight = weights[symbol] as number
    if (weight > MAX_HUFFMAN_BITS) throw corrupt('tree that is too deep')
    if (weight > 0) sum += 1 << (weight - 1)
  }
  if (sum === 0) throw corrupt('tree without leaves')
  const maxBits = 32 - Math.clz32(sum)
  if (maxBits > MAX_HUFFMAN_BITS) throw corrupt('tree that is too deep')
  const size = 1 << maxBits
  const rest = size - sum
  if ((rest & (rest - 1)) !== 0) throw corrupt('tree that is not complete')
  weights[count] = 32 - Math.clz32(rest)
  const symbols = new Uint8Array(size)
  const bits = new Uint8Array(size)
  let at = 0
  for (let weight = 1; weight <= maxBits; weight++) {
    for (let symbol = 0; symbol <= count; symbol++) {
      if (weights[symbol] !== weight) continue
      const end = at + (1 << (weight - 1))
      symbols.fill(symbol, at, end)
      bits.fill(maxBits + 1 - weight, at, end)
      at = end
    }
  }
  return { maxBits, symbols, bits }
}

/** Decodes the backward stream from byte `start` to `end` into `out` from `to` to `toEnd`: all of both, exactly. */
export function decodeHuffman(
  block: Uint8Array,
  start: number,
  end: number,
  table: HuffmanTable,
  out: Uint8Array,
  to: number,
  toEnd: number,
): void {
  const { maxBits, symbols, bits } = table
  const floor = start * 8
  let position = backwardStart(block, start, end)
  for (let at = to; at < toEnd; at++) {
    if (position <= floor) throw corrupt('literals that end too early')
    // Below the stream's first bit stand others; no code that is valid there reaches so far.
    const code = bitsAt(block, position - maxBits, maxBits)
    out[at] = symbols[code] as number
    position -= bits[code] as number
  }
  if (position !== floor) throw corrupt('literals that end in the wrong place')
}
