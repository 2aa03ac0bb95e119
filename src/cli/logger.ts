/** The program's log: readable on a terminal, JSON everywhere else. */
import { type Logger, pino } from 'pino'
import { systemClock } from '../clock.ts'
import { crc32cImplementation } from '../wire/crc32c.ts'
import type { LogLevel } from './arguments.ts'

export async function makeLogger(level: LogLevel, isTerminal: boolean): Promise<Logger> {
  if (!isTerminal) return pino({ level })
  // Only people need it, so nobody else waits for it to load.
  const { default: pretty } = await import('pino-pretty')
  return pino({ level }, pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true }))
}

/**
 * Says so, once, where the native checksum is not installed. To find out is to load it, which takes longer than the
 * rest of the start: the first clients come first.
 */
export function warnOfSlowChecksums(logger: Logger): void {
  systemClock.schedule(CHECK_AFTER_MS, () => {
    if (crc32cImplementation() === 'native') return
    logger.warn('@node-rs/crc32 is not installed: checksums are computed in JavaScript, several times slower')
  })
}

const CHECK_AFTER_MS = 500
