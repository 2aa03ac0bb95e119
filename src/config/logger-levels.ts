/** The levels of a broker's loggers, described and changed (KIP-412). ottla has one logger: the root. */
import { ConfigSource } from './broker-config.ts'
import { ConfigError } from './config-error.ts'
import type { DescribedConfig, NameFilter } from './describe.ts'

/** The name of the one logger. */
export const ROOT_LOGGER = 'root'

/** Kafka's names of levels; pino has the same, in lower case. */
const LEVELS: readonly string[] = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN']

/** @param level pino's name of its level. */
export function describeLoggers(level: string, names: NameFilter): DescribedConfig[] {
  if (names !== null && !names.has(ROOT_LOGGER)) return []
  return [
    {
      name: ROOT_LOGGER,
      value: level === 'silent' ? 'OFF' : level.toUpperCase(),
      readOnly: false,
      source: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
      sensitive: false,
      synonyms: [],
      type: 0,
    },
  ]
}

/** @throws ConfigError when there is no such logger. */
export function checkLogger(name: string): void {
  if (name !== ROOT_LOGGER) throw new ConfigError(`Logger ${name} does not exist!`)
}

/** pino's name of a level. @throws ConfigError when Kafka has no level of that name. */
export function pinoLevel(logger: string, level: string): string {
  if (LEVELS.includes(level)) return level.toLowerCase()
  throw new ConfigError(
    `Cannot set the log level of ${logger} to ${level} as it is not a supported log level. Valid log levels are ${LEVELS.join(', ')}`,
  )
}
