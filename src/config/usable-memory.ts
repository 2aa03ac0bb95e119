/** How much memory the process may use: what its container allows (control groups v1 and v2), or what the machine has. */
import { totalmem } from 'node:os'

/** @param constraintBytes what the process is held to; 0, or more than there is, where nothing limits it. */
export function usableMemoryBytes(constraintBytes: number = process.constrainedMemory()): number {
  return constraintBytes > 0 ? Math.min(constraintBytes, totalmem()) : totalmem()
}
