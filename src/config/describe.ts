/** Configs as DescribeConfigs and CreateTopics tell of them: value, source, and every place that sets it. */
import { type BrokerConfig, ConfigSource } from './broker-config.ts'
import { type ConfigDefinition, type ConfigType, configDefinitions } from './config-definition.ts'
import { groupConfigText } from './group-config.ts'
import { normalText } from './parse-config.ts'
import { brokerSynonyms, listenerBaseName, topicSynonym } from './synonyms.ts'
import type { TopicConfig } from './topic-config.ts'

export interface ConfigSynonym {
  readonly name: string
  /** Null where it is secret. */
  readonly value: string | null
  readonly source: ConfigSource
}

export interface DescribedConfig {
  readonly name: string
  /** Null where it has none, and where it is secret. */
  readonly value: string | null
  readonly readOnly: boolean
  readonly source: ConfigSource
  readonly sensitive: boolean
  /** Everything that sets it, highest precedence first. */
  readonly synonyms: readonly ConfigSynonym[]
  /** The number of its type in DescribeConfigs; 0 where the name is not known. */
  readonly type: number
}

/** Only configs with these names are described; null for all. */
export type NameFilter = ReadonlySet<string> | null

/** All configs of a broker, and whatever else it was started with. */
export function describeBroker(config: BrokerConfig, names: NameFilter): DescribedConfig[] {
  const described: DescribedConfig[] = []
  for (const definition of configDefinitions('broker').values()) {
    if (definition.internal || (names !== null && !names.has(definition.name))) continue
    const text = config.text(definition.name)
    const value = text === null ? null : normalText(definition.type, text)
    described.push(brokerEntry(config, definition.name, value, definition))
  }
  for (const name of setNames(config)) {
    const definition = configDefinitions('broker').get(name)
    if (definition?.internal === false || (names !== null && !names.has(name))) continue
    described.push(brokerEntry(config, name, config.text(name), definition))
  }
  return described
}

/** The configs that were set for every broker of the cluster at once. */
export function describeDefaultBroker(config: BrokerConfig, names: NameFilter): DescribedConfig[] {
  const source = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
  const described: DescribedConfig[] = []
  for (const layer of config.layers) {
    if (layer.source !== source) continue
    for (const [name, text] of layer.texts) {
      if (names !== null && !names.has(name)) continue
      const entry = brokerEntry(config, name, text, configDefinitions('broker').get(name))
      const synonyms = entry.synonyms.filter((synonym) => synonym.source === source)
      described.push({ ...entry, synonyms, source: sourceOf(synonyms) })
    }
  }
  return described
}

/** All configs of a topic. */
export function describeTopic(config: TopicConfig, names: NameFilter): DescribedConfig[] {
  const described: DescribedConfig[] = []
  for (const definition of configDefinitions('topic').values()) {
    const { name, type } = definition
    const own = config.overrides.get(name)
    if ((definition.internal && own === undefined) || (names !== null && !names.has(name))) continue
    const value = definition.internal ? (own ?? null) : normalText(type, config.text(name))
    const first = topicSynonym(name, definition.synonym)
    const synonyms = first === undefined ? [] : synonymsOf(config.broker, first, false)
    if (own !== undefined) synonyms.unshift({ name, value, source: ConfigSource.TOPIC_CONFIG })
    described.push(entryOf(definition, value, synonyms))
  }
  return described
}

/**
 * All configs of a group (KIP-848). Which groups there are makes no difference.
 * @param overrides what was set for this group alone.
 */
export function describeGroup(
  overrides: ReadonlyMap<string, string>,
  broker: BrokerConfig,
  names: NameFilter,
): DescribedConfig[] {
  const described: DescribedConfig[] = []
  for (const definition of configDefinitions('group').values()) {
    const { name, type, synonym = name } = definition
    if (names !== null && !names.has(name)) continue
    const value = normalText(type, groupConfigText(name, overrides, broker))
    const synonyms = configDefinitions('broker').has(synonym)
      ? synonymsOf(broker, synonym, false)
      : [{ name, value: definition.defaultText, source: ConfigSource.DEFAULT_CONFIG }]
    if (overrides.has(name)) synonyms.unshift({ name, value, source: ConfigSource.GROUP_CONFIG })
    described.push(entryOf(definition, value, synonyms))
  }
  return described
}

/** All configs of a client metrics subscription (KIP-714), and what was set of them. */
export function describeClientMetrics(
  overrides: ReadonlyMap<string, string>,
  names: NameFilter,
): DescribedConfig[] {
  return [...configDefinitions('client metrics').values()]
    .filter(({ name }) => names === null || names.has(name))
    .map((definition) => {
      const { name, type, defaultText } = definition
      const own = overrides.get(name)
      if (own === undefined) return entryOf(definition, defaultText, [])
      const value = normalText(type, own)
      return entryOf(definition, value, [{ name, value, source: ConfigSource.CLIENT_METRICS_CONFIG }])
    })
}

/**
 * All configs of a topic as CreateTopics returns them (KIP-525): values as they were set, and, other than in a
 * description, sources by what sets them even where that is in another unit.
 */
export function createdTopicConfigs(config: TopicConfig): DescribedConfig[] {
  const described: DescribedConfig[] = []
  for (const definition of configDefinitions('topic').values()) {
    const own = config.overrides.get(definition.name)
    if (definition.internal && own === undefined) continue
    const { value, source } =
      own === undefined
        ? createdFromBroker(config.broker, definition)
        : { value: own, source: ConfigSource.TOPIC_CONFIG }
    described.push({ ...entryOf(definition, value, []), source })
  }
  return described
}

const TYPE_NUMBERS: Record<ConfigType, number> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
}

/** Names that were set and that are in no list of Kafka's, or only in an unofficial one. */
function setNames(config: BrokerConfig): ReadonlySet<string> {
  return new Set(config.layers.flatMap(({ texts }) => [...texts.keys()]))
}

/** A config whose name is not known might hold a secret, so it counts as sensitive. */
function brokerEntry(
  config: BrokerConfig,
  name: string,
  value: string | null,
  definition: ConfigDefinition | undefined,
): DescribedConfig {
  const base = definition ?? configDefinitions('broker').get(listenerBaseName(name) ?? '')
  const sensitive = base?.sensitive ?? true
  const synonyms = synonymsOf(config, name, sensitive)
  return {
    name,
    value: sensitive ? null : value,
    readOnly: definition?.readOnly ?? true,
    source: sourceOf(synonyms),
    sensitive,
    synonyms,
    type: base === undefined ? 0 : TYPE_NUMBERS[base.type],
  }
}

function entryOf(
  definition: ConfigDefinition,
  value: string | null,
  synonyms: readonly ConfigSynonym[],
): DescribedConfig {
  const { name, readOnly, sensitive, type } = definition
  return { name, value, readOnly, source: sourceOf(synonyms), sensitive, synonyms, type: TYPE_NUMBERS[type] }
}

function sourceOf(synonyms: readonly ConfigSynonym[]): ConfigSource {
  return synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG
}

/**
 * Everything that sets a broker's config: layer by layer, and in each by precedence of the names. What stands before
 * the first entry of the very name is left out, as Kafka leaves it out, even if it is what counts.
 */
function synonymsOf(config: BrokerConfig, name: string, sensitive: boolean): ConfigSynonym[] {
  const names = brokerSynonyms(name).map((synonym) => synonym.name)
  const found: ConfigSynonym[] = []
  for (const { source, texts } of config.layers) {
    for (const synonym of names) {
      const text = texts.get(synonym)
      if (text !== undefined) found.push({ name: synonym, value: sensitive ? null : text, source })
    }
  }
  for (const synonym of names) {
    const text = configDefinitions('broker').get(synonym)?.defaultText ?? null
    if (text === null) continue
    found.push({ name: synonym, value: sensitive ? null : text, source: ConfigSource.DEFAULT_CONFIG })
  }
  const start = found.findIndex((synonym) => synonym.name === name)
  return start === -1 ? [] : found.slice(start)
}

function createdFromBroker(
  config: BrokerConfig,
  { name, synonym, defaultText }: ConfigDefinition,
): { readonly value: string | null; readonly source: ConfigSource } {
  const first = topicSynonym(name, synonym)
  const names = first === undefined ? [] : brokerSynonyms(first)
  for (const { source, texts } of config.layers) {
    for (const { name: brokerName, factor } of names) {
      const text = texts.get(brokerName)
      if (text === undefined) continue
      return { value: factor === 1n ? text : String(BigInt(text.trim()) * factor), source }
    }
  }
  return { value: defaultText, source: ConfigSource.DEFAULT_CONFIG }
}
