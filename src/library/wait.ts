import { deadlineIn } from '../clock.ts'

/** What was waited for did not come in time. The message says what was there instead. */
export class WaitTimeoutError extends Error {
  override readonly name: string = 'WaitTimeoutError'
}

export interface WaitOptions {
  /**
   * How long to wait, in milliseconds of the machine's time, whatever the cluster's clock says. 4000 when left out,
   * since the tests of vitest and jest are given 5000.
   */
  readonly timeoutMs?: number | undefined
}

export const DEFAULT_TIMEOUT_MS = 4_000

const LOOK_AGAIN_MS = 5

/** Looks again and again until there is something. @throws WaitTimeoutError with what `otherwise` says. */
export function waitUntil(look: () => boolean, timeoutMs: number, otherwise: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = { cancel: (): void => {} }
    const deadline = deadlineIn(timeoutMs, () => {
      next.cancel()
      reject(new WaitTimeoutError(otherwise()))
    })
    const attempt = (): void => {
      try {
        if (!look()) {
          next = deadlineIn(LOOK_AGAIN_MS, attempt)
          return
        }
        resolve()
      } catch (error) {
        reject(error)
      }
      deadline.cancel()
    }
    attempt()
  })
}
