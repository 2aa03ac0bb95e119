/** The blocks of a Zstandard frame (RFC 8878, section 3.1.1): literals, and sequences that repeat what was there. */
import { repeat } from './repeat.ts'
import {
  backwardStart,
  bitsAt,
  corrupt,
  decodeHuffman,
  type FseTable,
  fseTable,
  type HuffmanTable,
  PADDING_BYTES,
  readFseTable,
  readHuffmanTable,
  singleSymbolTable,
} from './zstd-entropy.ts'

const MAX_BLOCK_BYTES = 2 ** 17

/** How a number of a sequence is coded: by a symbol that stands for a base and some extra bits. */
interface Code {
  readonly extraBits: Uint8Array
  readonly bases: Uint32Array
  readonly maxAccuracyLog: number
  /** What is used where the block describes no table of its own. */
  readonly predefined: FseTable
}

type Run = readonly [times: number, value: number]

const LITERALS_CODE: Code = code(
  0,
  [[16, 0], [4, 1], [2, 2], [2, 3], [1, 4], [1, 6], [1, 7], [1, 8], [1, 9], [1, 10], ...extraUpTo16(11)],
  9,
  fseTable(
    run([
      [1, 4],
      [1, 3],
      [11, 2],
      [3, 1],
      [9, 2],
      [1, 3],
      [1, 2],
      [5, 1],
      [4, -1],
    ]),
    6,
  ),
)
const MATCH_CODE: Code = code(
  3,
  [[32, 0], [4, 1], [2, 2], [2, 3], [2, 4], [1, 5], [1, 7], [1, 8], [1, 9], [1, 10], ...extraUpTo16(11)],
  9,
  fseTable(
    run([
      [1, 1],
      [1, 4],
      [1, 3],
      [6, 2],
      [37, 1],
      [7, -1],
    ]),
    6,
  ),
)
/** An offset's symbol is the number of its extra bits, and its base that power of two. */
const OFFSET_CODE: Code = code(
  1,
  Array.from({ length: 32 }, (_, bits): Run => [1, bits]),
  8,
  fseTable(
    run([
      [6, 1],
      [3, 2],
      [15, 1],
      [5, -1],
    ]),
    5,
  ),
)

/** Decodes the blocks of one frame, one after the other, and keeps as much of what came out as they may refer to. */
export class BlockDecoder {
  readonly maxBlockBytes: number
  readonly #windowBytes: number
  /** The latest content, up to #end. */
  #out: Buffer = Buffer.alloc(0)
  #end = 0
  /** The compressed block, with zeros around it. */
  #block: Uint8Array = new Uint8Array(0)
  /** Where decoded literals are put. */
  #literals: Uint8Array = new Uint8Array(0)
  #huffman: HuffmanTable | undefined
  #literalsTable: FseTable | undefined
  #offsetTable: FseTable | undefined
  #matchTable: FseTable | undefined
  /** The three latest offsets, which sequences can name shortly. */
  #offsets: [number, number, number] = [1, 4, 8]

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
    this.maxBlockBytes = Math.min(windowBytes, MAX_BLOCK_BYTES)
  }

  /** Each of these three returns the block's content, valid until the next call. */
  raw(payload: Buffer, start: number, end: number): Buffer {
    this.#reserve(end - start)
    payload.copy(this.#out, this.#end, start, end)
    return this.#advance(end - start)
  }

  fill(byte: number, bytes: number): Buffer {
    this.#reserve(bytes)
    this.#out.fill(byte, this.#end, this.#end + bytes)
    return this.#advance(bytes)
  }

  compressed(payload: Buffer, start: number, end: number): Buffer {
    const bytes = end - start
    if (bytes < 2) throw corrupt('block that is too short')
    this.#reserve(this.maxBlockBytes)
    if (this.#block.length < bytes + 2 * PADDING_BYTES) {
      this.#block = new Uint8Array(bytes + 2 * PADDING_BYTES)
    }
    this.#block.set(payload.subarray(start, end), PADDING_BYTES)
    this.#block.fill(0, PADDING_BYTES + bytes, 2 * PADDING_BYTES + bytes)
    const blockEnd = PADDING_BYTES + bytes
    const { literals, end: sequences } = this.#readLiterals(PADDING_BYTES, blockEnd)
    return this.#advance(this.#readSequences(literals, sequences, blockEnd) - this.#end)
  }

  /** Makes room for `bytes` more behind #end: at first by more memory, then by forgetting what is out of reach. */
  #reserve(bytes: number): void {
    const needed = this.#end + bytes
    if (needed <= this.#out.length) return
    const most = Math.floor(this.#windowBytes * 1.5) + 4 * MAX_BLOCK_BYTES
    if (needed <= most) {
      const grown = Buffer.allocUnsafe(Math.min(most, Math.max(needed, 2 * this.#out.length)))
      this.#out.copy(grown, 0, 0, this.#end)
      this.#out = grown
      return
    }
    this.#out.copyWithin(0, this.#end - this.#windowBytes, this.#end)
    this.#end = this.#windowBytes
  }

  #advance(bytes: number): Buffer {
    const start = this.#end
    this.#end += bytes
    return this.#out.subarray(start, this.#end)
  }

  /** @returns the block's literals, and where its sequences begin. */
  #readLiterals(start: number, blockEnd: number): { readonly literals: Uint8Array; readonly end: number } {
    const block = this.#block
    const first = block[start] as number
    const type = first & 3
    const format = (first >> 2) & 3
    if (type < 2) {
      const headBytes = [1, 2, 1, 3][format] as number
      const bytes = headBytes === 1 ? first >> 3 : bitsAt(block, start * 8 + 4, headBytes === 2 ? 12 : 20)
      const content = start + headBytes
      const end = content + (type === 0 ? bytes : 1)
      if (end > blockEnd || bytes > this.maxBlockBytes) throw corrupt('literals that do not fit')
      if (type === 0) return { literals: block.subarray(content, end), end }
      const literals = this.#literalsOf(bytes)
      literals.fill(block[content] as number)
      return { literals, end }
    }
    const width = [10, 10, 14, 18][format] as number
    const bytes = bitsAt(block, start * 8 + 4, width)
    const codedBytes = bitsAt(block, start * 8 + 4 + width, width)
    const content = start + (4 + 2 * width) / 8
    const end = content + codedBytes
    if (end > blockEnd || bytes > this.maxBlockBytes) throw corrupt('literals that do not fit')
    const literals = this.#literalsOf(bytes)
    this.#decodeLiterals(type === 2, format === 0 ? 1 : 4, content, end, literals)
    return { literals, end }
  }

  #literalsOf(bytes: number): Uint8Array {
    if (this.#literals.length < bytes) this.#literals = new Uint8Array(bytes)
    return this.#literals.subarray(0, bytes)
  }

  #decodeLiterals(hasTree: boolean, streams: 1 | 4, start: number, end: number, literals: Uint8Array): void {
    const block = this.#block
    let position = start
    if (hasTree) {
      const tree = readHuffmanTable(block, position, end)
      this.#huffman = tree.table
      position = tree.end
    }
    const table = this.#huffman
    if (table === undefined) throw corrupt('literals without a tree')
    if (streams === 1) {
      decodeHuffman(block, position, end, table, literals, 0, literals.length)
      return
    }
    // Three sizes stand in front; the fourth stream takes the rest.
    const perStream = (literals.length + 3) >> 2
    let from = position + 6
    if (from > end || perStream * 3 > literals.length) throw corrupt('literals that do not fit')
    for (let stream = 0; stream < 4; stream++) {
      const sizeAt = position + 2 * stream
      const streamEnd = stream === 3 ? end : from + bitsAt(block, sizeAt * 8, 16)
      if (streamEnd > end) throw corrupt('literals that do not fit')
      const toEnd = stream === 3 ? literals.length : perStream * (stream + 1)
      decodeHuffman(block, from, streamEnd, table, literals, perStream * stream, toEnd)
      from = streamEnd
    }
  }

  /** @returns where the block's content ends in #out. */
  #readSequences(literals: Uint8Array, start: number, blockEnd: number): number {
    const block = this.#block
    if (start >= blockEnd) throw corrupt('block without sequences')
    let position = start
    let count = block[position++] as number
    if (count >= 128) {
      if (count === 255) {
        count = bitsAt(block, position * 8, 16) + 0x7f00
        position += 2
      } else count = ((count - 128) << 8) + (block[position++] as number)
    }
    if (count === 0) {
      if (position !== blockEnd) throw corrupt('block with bytes behind its literals')
      return appendLiterals(
        this.#out,
        this.#end,
        this.#end + this.maxBlockBytes,
        literals,
        0,
        literals.length,
      )
    }
    const modes = block[position++] as number
    if (position > blockEnd || (modes & 3) !== 0) throw corrupt('sequences with a reserved bit')
    const forLiterals = this.#readTable(LITERALS_CODE, modes >> 6, this.#literalsTable, position, blockEnd)
    const forOffsets = this.#readTable(OFFSET_CODE, modes >> 4, this.#offsetTable, forLiterals.end, blockEnd)
    const forMatches = this.#readTable(MATCH_CODE, modes >> 2, this.#matchTable, forOffsets.end, blockEnd)
    this.#literalsTable = forLiterals.table
    this.#offsetTable = forOffsets.table
    this.#matchTable = forMatches.table
    const bits = new BackwardBits(block, forMatches.end, blockEnd)
    return this.#execute(count, bits, literals, forLiterals.table, forOffsets.table, forMatches.table)
  }

  #readTable(
    coding: Code,
    mode: number,
    previous: FseTable | undefined,
    start: number,
    end: number,
  ): { readonly table: FseTable; readonly end: number } {
    const maxSymbol = coding.extraBits.length - 1
    switch (mode & 3) {
      case 0:
        return { table: coding.predefined, end: start }
      case 1: {
        const symbol = this.#block[start] as number
        if (start >= end || symbol > maxSymbol) throw corrupt('sequences with an unknown code')
        return { table: singleSymbolTable(symbol), end: start + 1 }
      }
      case 2:
        if (start >= end) throw corrupt('sequences that end too early')
        return readFseTable(this.#block, start, end, coding.maxAccuracyLog, maxSymbol)
      default:
        if (previous === undefined) throw corrupt('sequences without a table')
        return { table: previous, end: start }
    }
  }

  #execute(
    count: number,
    bits: BackwardBits,
    literals: Uint8Array,
    literalsTable: FseTable,
    offsetTable: FseTable,
    matchTable: FseTable,
  ): number {
    const out = this.#out
    const limit = this.#end + this.maxBlockBytes
    let literalsState = bits.take(literalsTable.accuracyLog)
    let offsetState = bits.take(offsetTable.accuracyLog)
    let matchState = bits.take(matchTable.accuracyLog)
    let literalsAt = 0
    let to = this.#end
    for (let left = count; ; ) {
      const offsetCode = offsetTable.symbols[offsetState] as number
      const matchCode = matchTable.symbols[matchState] as number
      const literalsCode = literalsTable.symbols[literalsState] as number
      const offsetValue = (OFFSET_CODE.bases[offsetCode] as number) + bits.take(offsetCode)
      const matchBytes =
        (MATCH_CODE.bases[matchCode] as number) + bits.take(MATCH_CODE.extraBits[matchCode] as number)
      const literalsBytes =
        (LITERALS_CODE.bases[literalsCode] as number) +
        bits.take(LITERALS_CODE.extraBits[literalsCode] as number)
      const offset = this.#offset(offsetValue, literalsBytes)
      to = appendLiterals(out, to, limit, literals, literalsAt, literalsBytes)
      literalsAt += literalsBytes
      if (offset > to || matchBytes > limit - to) throw corrupt('sequence that reaches too far')
      to = repeat(out, to, offset, matchBytes)
      left--
      if (left === 0) break
      literalsState =
        (literalsTable.bases[literalsState] as number) +
        bits.take(literalsTable.bits[literalsState] as number)
      matchState = (matchTable.bases[matchState] as number) + bits.take(matchTable.bits[matchState] as number)
      offsetState =
        (offsetTable.bases[offsetState] as number) + bits.take(offsetTable.bits[offsetState] as number)
    }
    if (bits.left !== 0) throw corrupt('sequences that end in the wrong place')
    return appendLiterals(out, to, limit, literals, literalsAt, literals.length - literalsAt)
  }

  /** The distance that an offset's value stands for: 1 to 3 name one of the latest distances. */
  #offset(value: number, literalsBytes: number): number {
    const offsets = this.#offsets
    const [first, second, third] = offsets
    if (value > 3) {
      this.#offsets = shifted(offsets, value - 3, second)
      return value - 3
    }
    const choice = value - (literalsBytes === 0 ? 0 : 1)
    if (choice === 0) return first
    const offset = choice === 1 ? second : choice === 2 ? third : first - 1
    if (offset === 0) throw corrupt('sequence with an offset of 0')
    this.#offsets = shifted(offsets, offset, choice === 1 ? third : second)
    return offset
  }
}

/** Puts `latest` in front, and what was in front behind it. */
function shifted(offsets: [number, number, number], latest: number, third: number): [number, number, number] {
  offsets[2] = third
  offsets[1] = offsets[0]
  offsets[0] = latest
  return offsets
}

/** A bit stream that is read from its end. */
class BackwardBits {
  readonly #block: Uint8Array
  readonly #floor: number
  #position: number

  constructor(block: Uint8Array, start: number, end: number) {
    this.#block = block
    this.#floor = start * 8
    this.#position = backwardStart(block, start, end)
  }

  get left(): number {
    return this.#position - this.#floor
  }

  take(count: number): number {
    this.#position -= count
    if (this.#position < this.#floor) throw corrupt('sequences that end too early')
    if (count <= 24) return bitsAt(this.#block, this.#position, count)
    const low = bitsAt(this.#block, this.#position, 24)
    return low + bitsAt(this.#block, this.#position + 24, count - 24) * 2 ** 24
  }
}

/** Returns where the literals end in `out`. */
function appendLiterals(
  out: Buffer,
  at: number,
  limit: number,
  literals: Uint8Array,
  start: number,
  bytes: number,
): number {
  const end = start + bytes
  if (end > literals.length || bytes > limit - at) throw corrupt('sequence of more literals than there are')
  if (bytes > 32) out.set(literals.subarray(start, end), at)
  else for (let to = at, from = start; from < end; ) out[to++] = literals[from++] as number
  return at + bytes
}

/** @param extraRuns how many extra bits the codes have, as runs; each base follows from those before it. */
function code(
  firstBase: number,
  extraRuns: readonly Run[],
  maxAccuracyLog: number,
  predefined: FseTable,
): Code {
  const extraBits = Uint8Array.from(run(extraRuns))
  const bases = new Uint32Array(extraBits.length)
  let base = firstBase
  extraBits.forEach((bits, symbol) => {
    bases[symbol] = base
    base += 2 ** bits
  })
  return { extraBits, bases, maxAccuracyLog, predefined }
}

function extraUpTo16(first: number): Run[] {
  return Array.from({ length: 17 - first }, (_, index): Run => [1, first + index])
}

function run(runs: readonly Run[]): Int16Array {
  return Int16Array.from(runs.flatMap(([times, value]) => Array<number>(times).fill(value)))
}
