/** Memory for large frames. */
import { totalmem } from 'node:os'

/** Smaller frames are copied into their log's blocks, and garbage soon. */
const LARGE_FRAME_BYTES = 16 * 1024
/** Of so many large frames the collector counts one. */
const FRAMES_PER_COUNTED = 8
/** With less memory than this every frame is counted. */
const AMPLE_MEMORY_BYTES = 2 * 1024 ** 3

const constraintBytes = process.constrainedMemory()
const usableBytes = constraintBytes > 0 ? Math.min(constraintBytes, totalmem()) : totalmem()
const framesPerCounted = usableBytes < AMPLE_MEMORY_BYTES ? 1 : FRAMES_PER_COUNTED
let sinceCounted = 0

/**
 * Uninitialized memory for a frame that holds nothing else.
 *
 * V8 begins to look through the whole heap for each 64 MB of buffers that have been made since it last did, which costs
 * a quarter of the time of producing and finds nothing where logs in memory keep them all. What is made as shared memory
 * it collects like any other, but does not count: so frames that are garbage may take a few hundred MB before they are collected.
 */
export function frameMemory(bytes: number): Buffer {
  if (bytes < LARGE_FRAME_BYTES) return Buffer.allocUnsafeSlow(bytes)
  sinceCounted = (sinceCounted + 1) % framesPerCounted
  return sinceCounted === 0 ? Buffer.allocUnsafeSlow(bytes) : Buffer.from(new SharedArrayBuffer(bytes))
}
