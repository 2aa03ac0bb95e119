/** Waiting for something that a client or a broker does in its own time: asked again and again, with a deadline. */
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Asks `probe` until it answers something other than undefined or false, and returns that.
 * @throws Error that names `what` when `deadlineMs` has passed, with the last error of `probe` as its cause.
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 20_000,
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
