/** What a signal does: the first one lets the cluster stop in order, the next ends the program at once. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Cluster } from '../index.ts'

export interface Stopping {
  /** Undefined until the cluster has started. */
  cluster(): Pick<Cluster, 'stop'> | undefined
  exit(code: number): void
  fail(error: unknown): void
  readonly logger: Pick<Logger, 'info'>
  readonly clock: Pick<Clock, 'now'>
}

/** npm passes on a Ctrl-C that the terminal has sent to the program already: two that come together are one. */
const SAME_SIGNAL_MS = 300

/** What a program exits with that a signal has ended, as shells count. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** Gives the function to call for each signal. */
export function stopOnSignal(stopping: Stopping): (signal: keyof typeof EXIT_CODES) => void {
  const { logger, clock } = stopping
  let firstAtMs: number | undefined
  return (signal) => {
    if (firstAtMs !== undefined) {
      if (clock.now() - firstAtMs >= SAME_SIGNAL_MS) stopping.exit(EXIT_CODES[signal])
      return
    }
    const cluster = stopping.cluster()
    if (cluster === undefined) {
      stopping.exit(EXIT_CODES[signal])
      return
    }
    firstAtMs = clock.now()
    logger.info(`${signal}: stopping when what is in flight has been answered; once more stops at once`)
    cluster.stop().then(() => {
      logger.info('stopped')
      stopping.exit(0)
    }, stopping.fail)
  }
}
