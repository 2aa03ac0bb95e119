/** The configs of one broker: what was given over ottla's own defaults over Kafka's. */
import { checkBrokerRules } from './broker-rules.ts'
import { type ConfigDefinition, configDefinitions } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import type { BrokerConfigValues } from './definitions.ts'
import { effectiveDynamicConfigs } from './dynamic-configs.ts'
import type { InternalBrokerConfigValues } from './internal-definitions.ts'
import { nearest } from './nearest.ts'
import type { OwnBrokerConfigValues } from './own-definitions.ts'
import { type ConfigValue, parseConfig } from './parse-config.ts'
import { brokerSynonyms, listenerBaseName } from './synonyms.ts'
import { TopicConfig } from './topic-config.ts'

type AllBrokerConfigValues = BrokerConfigValues & InternalBrokerConfigValues & OwnBrokerConfigValues

export type BrokerConfigName = keyof AllBrokerConfigValues

/** ottla's defaults where they differ from Kafka's. They are reported as if the broker had been started with them. */
export const ottlaDefaults: Readonly<Record<string, string>> = {
  'offsets.topic.replication.factor': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.replication.factor': '1',
}

/** Those that keep clients from waiting, and are Kafka's with ottla.realistic=true. */
export const ottlaImpatientDefaults: Readonly<Record<string, string>> = {
  'group.initial.rebalance.delay.ms': '0',
}

/** Where a value comes from, as DescribeConfigs numbers it. */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
  GROUP_CONFIG: 8,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** Configs that were set in one way, as texts. */
export interface ConfigLayer {
  readonly source: ConfigSource
  readonly texts: ReadonlyMap<string, string>
}

export interface BrokerConfigOptions {
  /** What the broker is started with: name → text, as in Kafka's server.properties. */
  readonly overrides?: Readonly<Record<string, string>>
  /** Told of names that are not known, which are kept and otherwise ignored. */
  readonly warn?: (message: string) => void
}

/** What was set while the broker ran: for all brokers at once, and for this one. */
export interface DynamicConfigs {
  readonly cluster: ReadonlyMap<string, string>
  readonly broker: ReadonlyMap<string, string>
}

const NONE: ReadonlyMap<string, string> = new Map()

/**
 * What the broker was started with, and over it what was set dynamically: that follows the metadata, and only
 * `setDynamic` changes it.
 */
export class BrokerConfig {
  readonly #given: ReadonlyMap<string, string>
  readonly #warn: ((message: string) => void) | undefined
  readonly #values = new Map<string, ConfigValue | null>()
  readonly #topicDefaults: TopicConfig
  readonly #watchers: (() => void)[] = []
  #dynamic: DynamicConfigs = { cluster: NONE, broker: NONE }
  #layers: readonly ConfigLayer[]
  /** What was given at the start and has no effect while a synonym of it is set dynamically. */
  #hidden: ReadonlySet<string> = new Set()
  #revision = 0

  /** @throws ConfigError when a value does not fit its type, is out of its range or goes ill with another. */
  constructor(options: BrokerConfigOptions = {}) {
    const given = new Map(Object.entries({ ...defaultsBeside(options.overrides), ...options.overrides }))
    shareId(given)
    checkEach(given, options.warn)
    this.#given = given
    this.#warn = options.warn
    this.#layers = layersOf(given, this.#dynamic)
    this.#topicDefaults = new TopicConfig(this)
    checkBrokerRules(this)
  }

  /** What has been set over the defaults; the first layer wins. */
  get layers(): readonly ConfigLayer[] {
    return this.#layers
  }

  /** What is set dynamically and in force. */
  get dynamic(): DynamicConfigs {
    return this.#dynamic
  }

  /** Takes over what the metadata say; what could not have been set has no effect. */
  setDynamic(dynamic: DynamicConfigs): void {
    const onIgnored = (name: string): void =>
      this.#warn?.(`The dynamic broker config ${name} cannot be what it was set to and has no effect`)
    this.#dynamic = {
      cluster: effectiveDynamicConfigs(dynamic.cluster, 'cluster', onIgnored),
      broker: effectiveDynamicConfigs(dynamic.broker, 'broker', onIgnored),
    }
    this.#layers = layersOf(this.#given, this.#dynamic)
    this.#hidden = synonymsOf(this.#dynamic)
    this.#values.clear()
    this.#revision++
    for (const watcher of this.#watchers) watcher()
  }

  /** Calls back after each change, for those who have to act on one at once. */
  watch(watcher: () => void): void {
    this.#watchers.push(watcher)
  }

  /** This broker's configs as they would be with other dynamic ones. */
  withDynamic(dynamic: DynamicConfigs): BrokerConfig {
    const other = new BrokerConfig({ overrides: Object.fromEntries(this.#given) })
    other.setDynamic(dynamic)
    return other
  }

  /** The value of one config as it stands now; null where it has neither a value nor a default. */
  get<N extends BrokerConfigName>(name: N): AllBrokerConfigValues[N]
  get(name: string): ConfigValue | null {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const definition = brokerDefinition(name)
    const text = this.text(name)
    const value = text === null ? null : parseConfig(definition, text)
    this.#values.set(name, value)
    return value
  }

  /** Rises whenever a value may have changed: what is derived from this config is then to be derived anew. */
  get revision(): number {
    return this.#revision
  }

  /** The configs of a topic with these overrides of its own; without any, one object serves all topics. */
  topicConfig(overrides?: ReadonlyMap<string, string>): TopicConfig {
    if (overrides === undefined || overrides.size === 0) return this.#topicDefaults
    return new TopicConfig(this, overrides)
  }

  /** One config as a text: what was set, or else Kafka's default. */
  text(name: string): string | null {
    return this.setText(name) ?? configDefinitions('broker').get(name)?.defaultText ?? null
  }

  /** One config as the text that the broker was started with, if it was. */
  givenText(name: string): string | undefined {
    return this.#given.get(name)
  }

  /** One config as a text, if it was set in any way. */
  setText(name: string): string | undefined {
    for (const { texts } of this.#layers) {
      const text = texts === this.#given && this.#hidden.has(name) ? undefined : texts.get(name)
      if (text !== undefined) return text
    }
    return undefined
  }
}

function defaultsBeside(overrides: BrokerConfigOptions['overrides']): Readonly<Record<string, string>> {
  const realistic = overrides?.['ottla.realistic']?.trim().toLowerCase() === 'true'
  return realistic ? ottlaDefaults : { ...ottlaDefaults, ...ottlaImpatientDefaults }
}

function brokerDefinition(name: string): ConfigDefinition {
  const definition = configDefinitions('broker').get(name)
  if (definition === undefined) throw new ConfigError(`Unknown broker config name: ${name}`)
  return definition
}

/** A new map is a new layer, so that whoever holds one sees no change. */
function layersOf(given: ReadonlyMap<string, string>, { broker, cluster }: DynamicConfigs): ConfigLayer[] {
  return [
    { source: ConfigSource.DYNAMIC_BROKER_CONFIG, texts: broker },
    { source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, texts: cluster },
    { source: ConfigSource.STATIC_BROKER_CONFIG, texts: given },
  ]
}

/** Names that say in other units what is set dynamically. */
function synonymsOf({ broker, cluster }: DynamicConfigs): ReadonlySet<string> {
  const hidden = new Set<string>()
  for (const name of [...broker.keys(), ...cluster.keys()]) {
    // A config of one listener hides nothing: other listeners go on with the base.
    if (listenerBaseName(name) !== undefined) continue
    for (const synonym of brokerSynonyms(name)) if (synonym.name !== name) hidden.add(synonym.name)
  }
  return hidden
}

/** A broker's id has two names; whoever gives one gives both. */
function shareId(given: Map<string, string>): void {
  const id = given.get('node.id') ?? given.get('broker.id')
  if (id === undefined) return
  given.set('node.id', id)
  given.set('broker.id', given.get('broker.id') ?? id)
}

/** All that is set is checked when the broker starts, so that a mistake shows at once. */
function checkEach(given: ReadonlyMap<string, string>, warn?: (message: string) => void): void {
  const definitions = configDefinitions('broker')
  for (const [name, text] of given) {
    const definition = definitions.get(name)
    if (definition !== undefined) {
      parseConfig(definition, text)
    } else if (warn !== undefined && listenerBaseName(name) === undefined) {
      const meant = nearest(name, definitions.keys())
      warn(
        `Broker config ${name} is not known and has no effect${meant === undefined ? '' : `: was ${meant} meant?`}`,
      )
    }
  }
}
