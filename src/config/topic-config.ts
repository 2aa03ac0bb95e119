/** The configs of one topic: its own overrides over the broker's synonyms over Kafka's defaults. */
import type { BrokerConfig } from './broker-config.ts'
import { configDefinitions } from './config-definition.ts'
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
  readonly overrides: ReadonlyMap<string, string>
  readonly #broker: BrokerConfig
  readonly #values = new Map<string, ConfigValue>()
  #revision: number

  /** Made by `BrokerConfig.topicConfig`, which shares one among the topics that have no overrides. */
  constructor(broker: BrokerConfig, overrides: ReadonlyMap<string, string> = new Map()) {
    this.overrides = overrides
    this.#broker = broker
    this.#revision = broker.revision
  }

  /** The value of one config as it stands now. */
  get<N extends TopicConfigName>(name: N): TopicConfigValues[N]
  get(name: string): ConfigValue {
    if (this.#revision !== this.#broker.revision) {
      this.#values.clear()
      this.#revision = this.#broker.revision
    }
    let value = this.#values.get(name)
    if (value === undefined) {
      // What a topic was created with has been checked; what a broker was started with is taken as it is.
      value = parseType(name, topicDefinitionType(name), this.text(name))
      this.#values.set(name, value)
    }
    return value
  }

  /** The value of one config as a text: as it was set, or in the topic's own unit where it comes from the broker. */
  text(name: string): string {
    return this.overrides.get(name) ?? brokerText(this.#broker, name)
  }
}

/**
 * Checks what a client wants to set on a topic.
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
  const definitions = configDefinitions('topic')
  for (const name of checked.keys()) {
    if (!definitions.has(name)) throw new ConfigError(`Unknown topic config name: ${name}`)
  }
  for (const [name, text] of checked) {
    const definition = definitions.get(name)
    if (definition !== undefined) parseConfig(definition, text)
  }
  checkLags(new TopicConfig(broker, checked))
  return checked
}

/** A record may not be due for compaction before compaction may touch it (KIP-354). */
function checkLags(config: TopicConfig): void {
  const min = BigInt(config.text('min.compaction.lag.ms').trim())
  const max = BigInt(config.text('max.compaction.lag.ms').trim())
  if (min <= max) return
  throw new ConfigError(
    `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`,
  )
}

function topicDefinitionType(name: string): Parameters<typeof parseType>[1] {
  const definition = configDefinitions('topic').get(name)
  if (definition === undefined) throw new ConfigError(`Unknown topic config name: ${name}`)
  return definition.type
}

/** What the broker says of a topic's config, in the topic's unit. */
function brokerText(broker: BrokerConfig, name: string): string {
  const definition = configDefinitions('topic').get(name)
  const synonym = topicSynonym(name, definition?.synonym)
  if (synonym === undefined) return definition?.defaultText ?? ''
  for (const { name: brokerName, factor } of brokerSynonyms(synonym)) {
    const text = broker.text(brokerName)
    if (text === null) continue
    if (factor === 1n) return text
    const value = BigInt(text.trim())
    return String(value < 0n ? -1n : value * factor)
  }
  return definition?.defaultText ?? ''
}
