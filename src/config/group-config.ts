/** The configs of one group (KIP-848, KIP-932, KIP-1071): what was set for it over the broker's. */
import type { BrokerConfig } from './broker-config.ts'
import { type ConfigDefinition, configDefinitions } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import type { GroupConfigValues } from './definitions.ts'
import { type ConfigValue, parseConfig, parseType } from './parse-config.ts'

export type GroupConfigName = keyof GroupConfigValues

/**
 * The value of one config of a group as it stands now.
 * @param overrides what was set for this group alone, as texts.
 */
export function groupConfigValue<N extends GroupConfigName>(
  name: N,
  overrides: ReadonlyMap<string, string>,
  broker: BrokerConfig,
): GroupConfigValues[N]
export function groupConfigValue(
  name: string,
  overrides: ReadonlyMap<string, string>,
  broker: BrokerConfig,
): ConfigValue {
  const type = configDefinitions('group').get(name)?.type ?? 'STRING'
  return parseType(name, type, groupConfigText(name, overrides, broker))
}

/** One config of a group as a text: what was set for it, or the broker's, or Kafka's default. */
export function groupConfigText(
  name: string,
  overrides: ReadonlyMap<string, string>,
  broker: BrokerConfig,
): string {
  const own = overrides.get(name)
  if (own !== undefined) return own
  const { synonym = name, defaultText } = groupDefinition(name)
  const inherited = configDefinitions('broker').has(synonym) ? broker.text(synonym) : null
  return inherited ?? defaultText ?? ''
}

/**
 * Checks all that would then be set for a group.
 * @param broker names the bounds.
 * @throws ConfigError with Kafka's kind of message; the answer is INVALID_CONFIG.
 */
export function checkGroupConfigs(texts: ReadonlyMap<string, string>, broker: BrokerConfig): void {
  const definitions = [...texts.keys()].map(groupDefinition)
  for (const definition of definitions) parseConfig(definition, texts.get(definition.name) ?? '')
  const value = (name: string): number => Number(groupConfigText(name, texts, broker))
  for (const { name, synonym = '' } of definitions) {
    const [, kind, suffix] = /^(group\.[a-z]+)\.(?:num\.)?(.*)$/.exec(synonym) ?? []
    if (kind === undefined) continue
    const [least, most] = [`${kind}.min.${suffix}`, `${kind}.max.${suffix}`]
    if (value(name) < bound(broker, least)) {
      throw new ConfigError(`${name} must be greater than or equal to ${least}`)
    }
    if (value(name) > bound(broker, most))
      throw new ConfigError(`${name} must be less than or equal to ${most}`)
  }
  for (const kind of ['consumer', 'share', 'streams']) {
    const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
    if (value(session) <= value(heartbeat)) {
      throw new ConfigError(`${session} must be greater than ${heartbeat}`)
    }
  }
}

/** NaN, which nothing is below or above, where the broker has no such config. */
function bound(broker: BrokerConfig, name: string): number {
  return configDefinitions('broker').has(name) ? Number(broker.text(name)) : Number.NaN
}

function groupDefinition(name: string): ConfigDefinition {
  const definition = configDefinitions('group').get(name)
  if (definition === undefined) throw new ConfigError(`Unknown group config name: ${name}`)
  return definition
}
