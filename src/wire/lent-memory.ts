/**
 * Memory for large pieces of data that soon nobody needs any more: it is lent, given back and lent again. New memory
 * for each piece costs more than all that is done with it: the kernel clears its pages, and V8, which counts what lies
 * outside of its heap, collects garbage every few MB.
 *
 * Memory that is never given back is garbage like any other: only who is sure that nobody looks at it gives it back.
 */

/** Smaller pieces come from Node's own memory, and are garbage afterwards. */
const MIN_LENT_BYTES = 16 * 1024
const MAX_LENT_BYTES = 16 * 1024 * 1024
/** How much waits to be lent again. */
const MAX_FREE_BYTES = 32 * 1024 * 1024

/** What waits to be lent again, by size. */
const free = new Map<number, ArrayBuffer[]>()
let freeBytes = 0
const lent = new WeakSet<ArrayBufferLike>()

/** A buffer of so many bytes with anything in them. */
export function lend(bytes: number): Buffer {
  if (bytes < MIN_LENT_BYTES || bytes > MAX_LENT_BYTES) return Buffer.allocUnsafeSlow(bytes)
  const sizeBytes = roundUp(bytes)
  let memory = free.get(sizeBytes)?.pop()
  if (memory === undefined) memory = Buffer.allocUnsafeSlow(sizeBytes).buffer as ArrayBuffer
  else freeBytes -= sizeBytes
  lent.add(memory)
  return Buffer.from(memory, 0, bytes)
}

/** Whether the memory that a buffer lies in has been lent, and not been given back or kept. */
export function isLent({ buffer }: Buffer): boolean {
  return lent.has(buffer)
}

/** The memory that a buffer lies in goes back, if it was lent: nobody looks at any part of it any more. */
export function giveBack({ buffer }: Buffer): void {
  if (!lent.delete(buffer)) return
  const sizeBytes = buffer.byteLength
  for (const [otherBytes, waiting] of free) {
    // What has come back last is asked for next, more likely than other sizes.
    while (
      otherBytes !== sizeBytes &&
      freeBytes + sizeBytes > MAX_FREE_BYTES &&
      waiting.pop() !== undefined
    ) {
      freeBytes -= otherBytes
    }
  }
  if (freeBytes + sizeBytes > MAX_FREE_BYTES) return
  const waiting = free.get(sizeBytes)
  if (waiting === undefined) free.set(sizeBytes, [buffer as ArrayBuffer])
  else waiting.push(buffer as ArrayBuffer)
  freeBytes += sizeBytes
}

/** Somebody goes on looking at the memory that a buffer lies in: giving it back does nothing from now on. */
export function keep({ buffer }: Buffer): void {
  lent.delete(buffer)
}

/** So that there are but a few sizes: four between a power of two and the next. */
function roundUp(bytes: number): number {
  const step = 2 ** (29 - Math.clz32(bytes))
  return Math.ceil(bytes / step) * step
}
