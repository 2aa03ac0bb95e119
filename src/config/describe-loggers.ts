/** Log levels as DescribeConfigs tells of them (KIP-412). */
import { ConfigSource } from './broker-config.ts'
import type { DescribedConfig, NameFilter } from './describe.ts'

/**
 * The loggers of a broker: ottla has one, the root.
 * @param level pino's name of its level.
 */
export function describeLoggers(level: string, names: NameFilter): DescribedConfig[] {
  if (names !== null && !names.has('root')) return []
  return [
    {
      name: 'root',
      value: level === 'silent' ? 'OFF' : level.toUpperCase(),
      readOnly: false,
      source: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
      sensitive: false,
      synonyms: [],
      type: 0,
    },
  ]
}
