/** Cuts a connection's bytes into request frames: an int32 size, then as many bytes. */
// Not 'bl' itself, which would load a whole stream library for the sake of its other class.
import bufferList, { type BufferListConstructor } from 'bl/BufferList.js'

/** The module is its constructor, which its type declarations do not know. */
const BufferList = bufferList as unknown as BufferListConstructor

/** A frame that no broker reads: the connection that it came from is closed. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  /** The four bytes that stood where the size should be. */
  readonly sizeBytes: number

  constructor(sizeBytes: number, maxFrameBytes: number) {
    super(`frame size ${sizeBytes} is not between 0 and ${maxFrameBytes}`)
    this.sizeBytes = sizeBytes
  }
}

/** The size in front of each frame. */
const SIZE_BYTES = 4
/** Of a frame that spans chunks, so many are collected before they are looked at together. */
const GATHERED_CHUNKS = 512
/** Gathered chunks that are smaller than this on average are put together. */
const SMALL_CHUNK_BYTES = 1024

/**
 * Takes chunks as a socket yields them and gives frames. A frame that lies within one chunk is a view of it, one
 * that spans chunks is copied once. Nothing is allocated for a size that is only claimed.
 *
 * A frame's beginning is kept as the chunks that it came in. Thousands of tiny chunks would take far more memory
 * than their bytes, so they are put together every now and then.
 */
export class FrameCutter {
  readonly #maxFrameBytes: number
  /** The chunk that is being cut, from #position on; empty while a frame spans chunks. */
  #chunk: Buffer = EMPTY
  #position = 0
  /** A frame's beginning, its size included, where it spans chunks: `#older`, then `#recent`. */
  #older = new BufferList()
  #recent = new BufferList()
  #recentChunks = 0
  /** How many bytes the frame that spans chunks takes with its size; 4 while the size itself is not whole. */
  #neededBytes = SIZE_BYTES

  /** @param maxFrameBytes the largest size taken: socket.request.max.bytes. */
  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** How many bytes are held that no frame has been made of yet. */
  get bufferedBytes(): number {
    return this.#chunk.length - this.#position + this.#older.length + this.#recent.length
  }

  /** Adds what the socket yielded. Frames that became whole are to be taken with `next` until it gives null. */
  push(chunk: Buffer): void {
    if (this.bufferedBytes === 0) {
      this.#chunk = chunk
      this.#position = 0
      return
    }
    if (this.#chunk.length > 0) this.#keepRest()
    this.#keep(chunk)
  }

  /**
   * The next whole frame without its size, or null when more bytes are needed.
   * @throws FrameError when the size is negative or above the maximum. What was pushed is then forgotten, and the
   * connection has to be closed: where a next frame would begin is unknown.
   */
  next(): Buffer | null {
    if (this.#chunk.length === 0) return this.#nextAcrossChunks()
    const chunk = this.#chunk
    const start = this.#position + SIZE_BYTES
    if (start <= chunk.length) {
      const end = start + this.#checked(chunk.readInt32BE(this.#position))
      if (end <= chunk.length) {
        this.#position = end
        if (end === chunk.length) this.#chunk = this.#forgetChunk()
        return chunk.subarray(start, end)
      }
    }
    this.#keepRest()
    return null
  }

  #nextAcrossChunks(): Buffer | null {
    if (this.bufferedBytes < this.#neededBytes) return null
    this.#older.append(this.#recent)
    this.#recent = new BufferList()
    this.#recentChunks = 0
    if (this.#neededBytes === SIZE_BYTES) {
      this.#neededBytes += this.#checked(this.#older.readInt32BE(0))
      if (this.#older.length < this.#neededBytes) return null
    }
    const bytes = this.#older
    const frame = bytes.slice(SIZE_BYTES, this.#neededBytes)
    bytes.consume(this.#neededBytes)
    this.#older = new BufferList()
    this.#neededBytes = SIZE_BYTES
    // Usually a view of the last chunk. It is put together from more only if nobody asked for frames in between.
    this.#chunk = bytes.slice()
    this.#position = 0
    return frame
  }

  /** What is left of the chunk is the beginning of a frame that spans chunks. */
  #keepRest(): void {
    const rest = this.#chunk.subarray(this.#position)
    this.#chunk = this.#forgetChunk()
    this.#keep(rest)
  }

  #keep(chunk: Buffer): void {
    this.#recent.append(chunk)
    this.#recentChunks++
    if (this.#recentChunks < GATHERED_CHUNKS) return
    const small = this.#recent.length < GATHERED_CHUNKS * SMALL_CHUNK_BYTES
    this.#older.append(small ? this.#recent.slice() : this.#recent)
    this.#recent = new BufferList()
    this.#recentChunks = 0
  }

  #checked(sizeBytes: number): number {
    if (sizeBytes >= 0 && sizeBytes <= this.#maxFrameBytes) return sizeBytes
    this.#chunk = this.#forgetChunk()
    this.#older = new BufferList()
    this.#recent = new BufferList()
    this.#recentChunks = 0
    this.#neededBytes = SIZE_BYTES
    throw new FrameError(sizeBytes, this.#maxFrameBytes)
  }

  #forgetChunk(): Buffer {
    this.#position = 0
    return EMPTY
  }
}

const EMPTY = Buffer.alloc(0)
