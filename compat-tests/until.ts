/** Waiting for something that a client or a broker does in its own time: asked again and again, with a deadline. */
import { setTimeout as pause } from 'node:timers/promises'

/**
 * For tests that run real clients: on a busy machine a JVM alone takes many seconds to start. Above every deadline,
 * so that what was waited for is told, not just that time is up.
 */
export const PATIENCE = { timeout: 90_000 } as const

/**
 * Asks `probe` until it answers something other than undefined or false, and returns that.
 * @throws Error that names `what` when `deadlineMs` has passed, with the last error of `probe` as its cause.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 40_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > deadline) {
      throw new Error(`${what}: not so within ${deadlineMs} ms`, { cause })
    }
    await pause(20)
  }
}
