/** The program's log: readable on a terminal, JSON everywhere else. */
import { type Logger, pino } from 'pino'
import type { LogLevel } from './arguments.ts'

export async function makeLogger(level: LogLevel, isTerminal: boolean): Promise<Logger> {
  if (!isTerminal) return pino({ level })
  // Only people need it, so nobody else waits for it to load.
  const { default: pretty } = await import('pino-pretty')
  return pino({ level }, pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', sync: true }))
}
