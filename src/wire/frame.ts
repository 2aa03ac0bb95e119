/** Cuts a connection's bytes into request frames: an int32 size, then as many bytes. */
// Not 'bl' itself, which would load a whole stream library for the sake of its other class.
import bufferList, { type BufferListConstructor } from 'bl/BufferList.js'

/** The module is its constructor, which its type declarations do not know. */
const BufferList = bufferList as unknown as BufferListConstructor
type BufferList = InstanceType<BufferListConstructor>

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
/** A frame that spans chunks gets its memory when one in so many of its bytes is there, */
const TRUSTED_PART = 16
/** or so many. */
const TRUSTED_BYTES = 256 * 1024
/** Smaller frames are garbage when they are done with. */
const LENT_BYTES = 16 * 1024
/** Until then, so many chunks are collected before they are looked at together. */
const GATHERED_CHUNKS = 512
/** Gathered chunks that are smaller than this on average are put together. */
const SMALL_CHUNK_BYTES = 1024

/**
 * Takes chunks as a socket yields them and gives frames. The chunks are only lent, since all connections read into one
 * buffer: a frame is copied out of them once, into memory that is its own. Of a large frame only the beginning
 * comes that way. As soon as its memory is there the rest can be read straight into it: see `room`.
 *
 * A size that is only claimed takes no memory: a frame's beginning is gathered until a sixteenth of it is there.
 * Thousands of tiny chunks would take far more memory than their bytes, so they are put together every now and then.
 */
export class FrameCutter {
  readonly #maxFrameBytes: number
  readonly #allocate: (sizeBytes: number) => Buffer | null
  /** The chunk that is being cut, from #position on; empty while a frame spans chunks. */
  #chunk: Buffer = EMPTY
  #position = 0
  /** The beginning of a frame that spans chunks, its size included: `#older`, then `#recent`. */
  #older = new BufferList()
  #recent = new BufferList()
  #recentChunks = 0
  /** How many bytes of it have to be gathered before anything can be done with them. */
  #neededBytes = SIZE_BYTES
  /** Then the frame itself, without its size, of which `#filledBytes` are there. What has been gathered is behind it. */
  #frame: Buffer | null = null
  #filledBytes = 0

  /**
   * @param maxFrameBytes the largest size taken: socket.request.max.bytes.
   * @param allocate gives the memory of a large frame, or null while it may have none. Then it is asked again
   * by each `next`; meanwhile whatever comes is gathered, so nothing should be read.
   */
  constructor(
    maxFrameBytes: number,
    allocate: (sizeBytes: number) => Buffer | null = Buffer.allocUnsafeSlow,
  ) {
    this.#maxFrameBytes = maxFrameBytes
    this.#allocate = allocate
  }

  /** How many bytes are held that no frame has been made of yet. */
  get bufferedBytes(): number {
    const begunBytes = this.#frame === null ? 0 : SIZE_BYTES + this.#filledBytes
    return this.#chunk.length - this.#position + this.#older.length + this.#recent.length + begunBytes
  }

  /**
   * Adds what the socket yielded. Frames that became whole are to be taken with `next` until it gives null; whoever
   * stops before that calls `settle`. Until then the chunk's memory must not be used anew.
   */
  push(chunk: Buffer): void {
    if (this.bufferedBytes === 0) {
      this.#chunk = chunk
      this.#position = 0
      return
    }
    this.settle()
    this.#keep(chunk)
  }

  /** Copies what is left of the last chunk, whose memory may be used anew then. */
  settle(): void {
    if (this.#chunk.length > 0) this.#keepRest()
  }

  /** Where the next bytes of the socket belong if they need not be pushed: tell with `filled` how many came there. */
  room(): Buffer | null {
    const frame = this.#frame
    return frame === null || this.#filledBytes === frame.length ? null : frame.subarray(this.#filledBytes)
  }

  /** So many bytes have been written into `room`. */
  filled(bytes: number): void {
    this.#filledBytes += bytes
  }

  /**
   * The next whole frame without its size, or null when more bytes are needed.
   * @throws FrameError when the size is negative or above the maximum. What was pushed is then forgotten, and the
   * connection has to be closed: where a next frame would begin is unknown.
   */
  next(): Buffer | null {
    const chunk = this.#chunk
    if (chunk.length > 0) {
      const start = this.#position + SIZE_BYTES
      if (start <= chunk.length) {
        const end = start + this.#checked(chunk.readInt32BE(this.#position))
        const frame = end > chunk.length ? null : this.#memoryOf(end - start)
        if (frame !== null) {
          chunk.copy(frame, 0, start, end)
          this.#position = end
          if (end === chunk.length) this.#chunk = this.#forgetChunk()
          return frame
        }
      }
      this.#keepRest()
    }
    return this.#nextAcrossChunks()
  }

  #memoryOf(bytes: number): Buffer | null {
    return bytes < LENT_BYTES ? Buffer.allocUnsafe(bytes) : this.#allocate(bytes)
  }

  #nextAcrossChunks(): Buffer | null {
    const frame = this.#frame ?? this.#begunFrame()
    if (frame === null || this.#filledBytes < frame.length) return null
    this.#frame = null
    this.#filledBytes = 0
    if (this.bufferedBytes > 0) this.#chunk = this.#takeGathered().slice()
    this.#position = 0
    return frame
  }

  /** Makes the frame that spans chunks as soon as enough of it has been gathered. */
  #begunFrame(): Buffer | null {
    if (this.#older.length + this.#recent.length < this.#neededBytes) return null
    const gathered = this.#takeGathered()
    const sizeBytes = this.#checked(gathered.readInt32BE(0))
    this.#neededBytes = trustedBytes(sizeBytes)
    this.#older = gathered
    if (gathered.length < this.#neededBytes) return null
    const frame = this.#begin(sizeBytes, gathered.length - SIZE_BYTES)
    if (frame === null) return null
    gathered.copy(frame, 0, SIZE_BYTES, SIZE_BYTES + this.#filledBytes)
    gathered.consume(SIZE_BYTES + this.#filledBytes)
    return frame
  }

  #begin(sizeBytes: number, thereBytes: number): Buffer | null {
    const frame = this.#memoryOf(sizeBytes)
    if (frame === null) return null
    this.#frame = frame
    this.#filledBytes = Math.min(sizeBytes, thereBytes)
    this.#neededBytes = SIZE_BYTES
    return frame
  }

  /** What is left of the chunk is the beginning of a frame that spans chunks. */
  #keepRest(): void {
    const rest = this.#chunk.subarray(this.#position)
    this.#chunk = this.#forgetChunk()
    this.#keep(rest)
  }

  #keep(chunk: Buffer): void {
    const frame = this.#frame
    if (frame === null) {
      if (!this.#beginWith(chunk)) this.#gather(chunk)
      return
    }
    const copiedBytes = chunk.copy(frame, this.#filledBytes)
    this.#filledBytes += copiedBytes
    if (copiedBytes < chunk.length) this.#gather(chunk.subarray(copiedBytes))
  }

  /** Usually so much of a large frame comes at once that nothing has to be gathered for it. */
  #beginWith(chunk: Buffer): boolean {
    if (chunk.length < SIZE_BYTES || this.#older.length > 0 || this.#recent.length > 0) return false
    const sizeBytes = chunk.readInt32BE(0)
    // A wrong size is for `next` to tell, and whole frames for it to cut.
    if (sizeBytes > this.#maxFrameBytes || sizeBytes <= chunk.length - SIZE_BYTES) return false
    if (chunk.length < trustedBytes(sizeBytes)) return false
    const frame = this.#begin(sizeBytes, chunk.length - SIZE_BYTES)
    if (frame === null) return false
    chunk.copy(frame, 0, SIZE_BYTES)
    return true
  }

  #gather(chunk: Buffer): void {
    this.#recent.append(Buffer.from(chunk))
    this.#recentChunks++
    if (this.#recentChunks < GATHERED_CHUNKS) return
    const small = this.#recent.length < GATHERED_CHUNKS * SMALL_CHUNK_BYTES
    this.#older.append(small ? this.#recent.slice() : this.#recent)
    this.#recent = new BufferList()
    this.#recentChunks = 0
  }

  #takeGathered(): BufferList {
    const gathered = this.#older
    if (this.#recentChunks > 0) {
      gathered.append(this.#recent)
      this.#recent = new BufferList()
      this.#recentChunks = 0
    }
    this.#older = new BufferList()
    return gathered
  }

  #checked(sizeBytes: number): number {
    if (sizeBytes >= 0 && sizeBytes <= this.#maxFrameBytes) return sizeBytes
    this.#chunk = this.#forgetChunk()
    this.#takeGathered()
    this.#neededBytes = SIZE_BYTES
    throw new FrameError(sizeBytes, this.#maxFrameBytes)
  }

  #forgetChunk(): Buffer {
    this.#position = 0
    return EMPTY
  }
}

/** How much of a frame, its size included, has to be there before it gets its memory. */
function trustedBytes(sizeBytes: number): number {
  return SIZE_BYTES + Math.min(TRUSTED_BYTES, Math.ceil(sizeBytes / TRUSTED_PART))
}

const EMPTY = Buffer.alloc(0)
