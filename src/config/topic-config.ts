/** The configs of one topic: its own overrides over the broker's synonyms over Kafka's defaults. */
import type { BrokerConfig } from './broker-config.ts'
import { type ConfigDefinition, configDefinitions } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import type { TopicConfigValues } from './definitions.ts'
import { type ConfigValue, parseConfig, parseType } from './parse-config.ts'
import { brokerSynonyms, topicSynonym } from './synonyms.ts'

export type TopicConfigName = keyof TopicConfigValues

/**
 * Reading is cheap enough for the data path: a value is worked out once and kept until the broker's configs change.
 * When a topic's own overrides change, it gets a new TopicConfig.
 */
export class TopicConfig {
  readonly broker: BrokerConfig
  /** What was set for this topic alone, as texts. */
  readonly overrides: ReadonlyMap<string, string>
  readonly #values = new Map<string, ConfigValue>()
  #revision: number

  /** Made by `BrokerConfig.topicConfig`, which shares one among the topics that have no overrides. */
  constructor(broker: BrokerConfig, overrides: ReadonlyMap<string, string> = new Map()) {
    this.broker = broker
    this.overrides = overrides
    this.#revision = broker.revision
  }

  /** The value of one config as it stands now. */
  get<N extends TopicConfigName>(name: N): TopicConfigValues[N]
  get(name: string): ConfigValue {
    if (this.#revision !== this.broker.revision) {
      this.#values.clear()
      this.#revision = this.broker.revision
    }
    let value = this.#values.get(name)
    if (value === undefined) {
      value = this.#resolve(name)
      this.#values.set(name, value)
    }
    return value
  }

  /** One config as a text: as it was set, or in the topic's own unit where it comes from the broker. */
  text(name: string): string {
    return this.overrides.get(name) ?? brokerText(this.broker, topicDefinition(name))
  }

  #resolve(name: string): ConfigValue {
    const { type } = topicDefinition(name)
    const smallSegments = name === 'segment.bytes' ? this.overrides.get('internal.segment.bytes') : undefined
    // What a topic was created with, and what a broker was started with, have been checked then.
    return parseType(name, type, smallSegments ?? this.text(name))
  }
}

/**
 * Checks what a client wants to set on a topic, and returns it without nulls.
 * @param broker gives the values that are not set.
 * @throws ConfigError with Kafka's kind of message; the answer is INVALID_CONFIG.
 */
export function checkTopicConfigs(
  overrides: Iterable<readonly [name: string, text: string | null]>,
  broker: BrokerConfig,
): ReadonlyMap<string, string> {
  const checked = new Map<string, string>()
  const nulls: string[] = []
  for (const [name, text] of overrides) {
    if (text === null) nulls.push(name)
    else checked.set(name, text)
  }
  if (nulls.length > 0) {
    throw new ConfigError(`Null value not supported for topic configs: ${nulls.join(',')}`)
  }
  const definitions = [...checked.keys()].map(topicDefinition)
  for (const definition of definitions) parseConfig(definition, checked.get(definition.name) ?? '')
  checkTogether(new TopicConfig(broker, checked))
  return checked
}

/** What each config may be only in view of another. */
function checkTogether(config: TopicConfig): void {
  const minLagMs = BigInt(config.text('min.compaction.lag.ms').trim())
  const maxLagMs = BigInt(config.text('max.compaction.lag.ms').trim())
  if (minLagMs > maxLagMs) {
    throw new ConfigError(
      `conflict topic config setting min.compaction.lag.ms (${minLagMs}) > max.compaction.lag.ms (${maxLagMs})`,
    )
  }
  if (config.get('remote.storage.enable')) {
    throw new ConfigError(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  }
}

function topicDefinition(name: string): ConfigDefinition {
  const definition = configDefinitions('topic').get(name)
  if (definition === undefined) throw new ConfigError(`Unknown topic config name: ${name}`)
  return definition
}

/** What the broker says of a topic's config, in the topic's unit. */
function brokerText(broker: BrokerConfig, { name, synonym, defaultText }: ConfigDefinition): string {
  const first = topicSynonym(name, synonym)
  if (first === undefined) return defaultText ?? ''
  for (const { name: brokerName, factor } of brokerSynonyms(first)) {
    const text = broker.text(brokerName)
    if (text === null) continue
    if (factor === 1n) return text
    const value = BigInt(text.trim())
    return String(value < 0n ? -1n : value * factor)
  }
  return defaultText ?? ''
}
