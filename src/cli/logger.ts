/** The program's log: readable on a terminal, JSON everywhere else. */
import { type Logger, pino } from 'pino'
import type { LogLevel } from './arguments.ts'

/** What waits to be written where nothing can be written any more: more than that is dropped. */
const MAX_WAITING_BYTES = 1 << 20

export async function makeLogger(level: LogLevel, isTerminal: boolean): Promise<Logger> {
  // Only people need it, so nobody else waits for it to load. Where it is not installed, JSON will do for them.
  const pretty = isTerminal ? await import('pino-pretty').catch(() => undefined) : undefined
  if (pretty === undefined) {
    const destination = pino.destination({ dest: 1, sync: true, maxLength: MAX_WAITING_BYTES })
    // A full disk or a reader that has gone takes the log away, not the broker.
    destination.on('error', () => {})
    return pino({ level }, destination)
  }
  return pino(
    { level },
    pretty.default({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true }),
  )
}
