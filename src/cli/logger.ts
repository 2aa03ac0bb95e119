/** The program's log: readable on a terminal, JSON everywhere else. */
import { type Logger, pino } from 'pino'
import type { LogLevel } from './arguments.ts'

/** What waits to be written where nothing can be written any more: more than that is dropped. */
const MAX_WAITING_BYTES = 1 << 20

export async function makeLogger(level: LogLevel, isTerminal: boolean): Promise<Logger> {
  if (!isTerminal) {
    const destination = pino.destination({ dest: 1, sync: true, maxLength: MAX_WAITING_BYTES })
    // A full disk or a reader that has gone takes the log away, not the broker.
    destination.on('error', () => {})
    return pino({ level }, destination)
  }
  // Only people need it, so nobody else waits for it to load.
  const { default: pretty } = await import('pino-pretty')
  return pino({ level }, pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true }))
}
