/** Which configs of a running broker can be changed, for whom, and by how much (KIP-226). */
import type { BrokerConfig } from './broker-config.ts'
import { checkBrokerRules, logRetentionMs } from './broker-rules.ts'
import { type ConfigDefinition, configDefinitions } from './config-definition.ts'
import { ConfigError, invalidValue } from './config-error.ts'
import { listenersOf } from './listeners.ts'
import { parseConfig } from './parse-config.ts'

/** Whose configs change: one broker's, or those of every broker that has none of its own. */
export type BrokerScope = 'broker' | 'cluster'

/**
 * Checks all that would then be set dynamically in a scope.
 * @throws ConfigError with Kafka's kind of message.
 */
export function checkDynamicConfigs(
  config: BrokerConfig,
  texts: ReadonlyMap<string, string>,
  scope: BrokerScope,
): void {
  const names = [...texts.keys()]
  refuse(names.filter(isReadOnly), 'Cannot update these configs dynamically')
  refuse(
    names.filter((name) => LISTENERS_OWN.has(name)),
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  )
  for (const [name, text] of texts) checkType(name, text)
  if (scope === 'cluster') {
    refuse(
      names.filter(isPerBroker),
      'Cannot update these configs at default cluster level, broker id must be specified',
    )
  }
  const next = config.withDynamic(
    scope === 'cluster'
      ? { cluster: texts, broker: config.dynamic.broker }
      : { cluster: config.dynamic.cluster, broker: texts },
  )
  checkBrokerRules(next)
  checkChange(config, next)
}

/**
 * What of a scope's configs can be in force: whatever could not have been set has no effect, as in Kafka.
 * @param onIgnored told of each that has none.
 */
export function effectiveDynamicConfigs(
  texts: ReadonlyMap<string, string>,
  scope: BrokerScope,
  onIgnored: (name: string) => void = () => undefined,
): ReadonlyMap<string, string> {
  const effective = new Map<string, string>()
  for (const [name, text] of texts) {
    if (
      isReadOnly(name) ||
      LISTENERS_OWN.has(name) ||
      (scope === 'cluster' && isPerBroker(name)) ||
      !fits(name, text)
    ) {
      onIgnored(name)
    } else effective.set(name, text)
  }
  return effective
}

/** Key stores and trust stores belong to one listener. */
const LISTENERS_OWN: ReadonlySet<string> = new Set([
  'ssl.key.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.type',
  'ssl.truststore.certificates',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.type',
])

/** Beside those of TLS and SASL. */
const PER_BROKER: ReadonlySet<string> = new Set([
  'cordoned.log.dirs',
  'listener.security.protocol.map',
  'listeners',
  'principal.builder.class',
])

/** What can be set for one listener of all brokers at once. */
const CLUSTER_WIDE_OF_LISTENERS: ReadonlySet<string> = new Set([
  'max.connection.creation.rate',
  'max.connections',
  'num.network.threads',
])

/** Numbers of threads, which may at most double or halve at a time. */
const THREADS = [
  'num.io.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
  'remote.log.manager.copier.thread.pool.size',
  'remote.log.manager.expiration.thread.pool.size',
  'remote.log.manager.follower.thread.pool.size',
  'remote.log.reader.threads',
] as const

function isReadOnly(name: string): boolean {
  return configDefinitions('broker').get(name)?.readOnly ?? false
}

function isPerBroker(name: string): boolean {
  const ofListener = listenerSuffix(name)
  if (ofListener !== undefined) return !CLUSTER_WIDE_OF_LISTENERS.has(ofListener)
  return PER_BROKER.has(name) || (/^(sasl|ssl)\./.test(name) && configDefinitions('broker').has(name))
}

function listenerSuffix(name: string): string | undefined {
  return /^listener\.name\.[^.]*\.(.*)$/s.exec(name)?.[1]
}

function refuse(names: readonly string[], message: string): void {
  if (names.length > 0) throw new ConfigError(`${message}: [${names.join(', ')}]`)
}

/** A listener's config is checked as the one that it stands for, if that one can change at all. @throws ConfigError */
function checkType(name: string, text: string): void {
  const definition = configDefinitions('broker').get(listenerSuffix(name) ?? name)
  if (definition === undefined || definition.readOnly) return
  parseConfig(definition, text)
  if (definition.type === 'CLASS') checkClass(definition, text)
}

/** No class of anybody's can be loaded here; what Kafka's own do is built in. */
function checkClass({ name }: ConfigDefinition, text: string): void {
  if (!text.trim().startsWith('org.apache.kafka.')) {
    throw invalidValue(name, text, `Class ${text} could not be found.`)
  }
}

function fits(name: string, text: string): boolean {
  try {
    checkType(name, text)
    return true
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
}

/** How far a running broker can go from one config to another. @throws ConfigError */
function checkChange(config: BrokerConfig, next: BrokerConfig): void {
  checkListeners(config, next)
  for (const name of next.get('metric.reporters')) {
    if (!name.startsWith('org.apache.kafka.')) {
      throw new ConfigError(
        `Validation of dynamic config update of metric.reporters failed: no class ${name}`,
      )
    }
  }
  for (const name of THREADS) checkThreads(name, config.get(name), next.get(name))
  checkLocalRetention(next)
  const [cleaners, before] = [next.get('log.cleaner.threads'), config.get('log.cleaner.threads')]
  if (cleaners < Math.trunc(before / 2)) {
    throw new ConfigError(
      `Log cleaner threads cannot be reduced to less than half the current value ${before}`,
    )
  }
  if (cleaners > before * 2) {
    throw new ConfigError(
      `Log cleaner threads cannot be increased to more than double the current value ${before}`,
    )
  }
}

function prefix(listener: string): string {
  return `listener.name.${listener.toLowerCase()}.`
}

/** Whether a change of this config makes a broker look at its listeners. */
function concernsListeners(name: string): boolean {
  return CLUSTER_WIDE_OF_LISTENERS.has(name) || (isPerBroker(name) && name !== 'cordoned.log.dirs')
}

/** Where nothing else is said every listener is advertised, and what clients have been told of stays. @throws ConfigError */
function checkAdvertised(config: BrokerConfig, next: BrokerConfig): void {
  if (config.setText('advertised.listeners') !== undefined) return
  const names = new Set(listenersOf(next).map(({ name }) => name))
  const gone = listenersOf(config).filter(({ name }) => !names.has(name))
  if (gone.length === 0) return
  throw new ConfigError(
    `Advertised listeners must be a subset of listeners, so ${gone.map(({ name }) => name).join(', ')} cannot go`,
  )
}

/** A listener that there is keeps what it was started with, but for its stores and its limits. @throws ConfigError */
function checkUnchanged(listener: string, next: BrokerConfig): void {
  for (const [name, text] of [...next.dynamic.cluster, ...next.dynamic.broker]) {
    if (!name.startsWith(prefix(listener))) continue
    const suffix = name.slice(prefix(listener).length)
    if (LISTENERS_OWN.has(suffix) || CLUSTER_WIDE_OF_LISTENERS.has(suffix)) continue
    if (text === next.givenText(name)) continue
    throw new ConfigError(
      `Configs cannot be updated dynamically for existing listener ${listener}, restart broker or create a new listener for update`,
    )
  }
}

/** Also what is set for one of the listeners has to be a value of its type, even where only a start would use it. */
function checkListeners(config: BrokerConfig, next: BrokerConfig): void {
  const changed = [...configDefinitions('broker').keys()].some(
    (name) => concernsListeners(name) && config.setText(name) !== next.setText(name),
  )
  if (changed) checkAdvertised(config, next)
  for (const { name } of listenersOf(next)) {
    if (changed) checkUnchanged(name, next)
    for (const [key, text] of next.dynamic.broker) {
      if (!key.startsWith(prefix(name))) continue
      const definition = configDefinitions('broker').get(key.slice(prefix(name).length))
      if (definition !== undefined) parseConfig(definition, text)
    }
    const threads = (one: BrokerConfig): number => ofListener(one, name, 'num.network.threads')
    checkThreads('num.network.threads', threads(config), threads(next))
    for (const limit of ['max.connections', 'max.connection.creation.rate']) {
      const value = ofListener(next, name, limit)
      if (value <= 0 && value !== ofListener(config, name, limit)) {
        throw new ConfigError(`Invalid ${limit} ${value}`)
      }
    }
  }
}

/** A number that a listener has for itself, or else shares with all others. */
function ofListener(config: BrokerConfig, listener: string, name: string): number {
  return Number(config.setText(`${prefix(listener)}${name}`) ?? config.text(name))
}

function checkThreads(name: string, was: number, is: number): void {
  const failed = `Dynamic thread count update validation failed for ${name}=${is}`
  if (is < Math.trunc(was / 2)) {
    throw new ConfigError(`${failed}, value should be at least half the current value ${was}`)
  }
  if (is > was * 2) {
    throw new ConfigError(`${failed}, value should not be greater than double the current value ${was}`)
  }
}

/** What a tiered topic keeps here is no more than what it keeps at all (KIP-405). */
function checkLocalRetention(next: BrokerConfig): void {
  const pairs = [
    ['log.local.retention.ms', 'log.retention.ms', logRetentionMs(next)],
    ['log.local.retention.bytes', 'log.retention.bytes', next.get('log.retention.bytes')],
  ] as const
  for (const [localName, name, all] of pairs) {
    const local = next.get(localName)
    if (all < 0 || local === -2) continue
    if (local === -1) {
      throw invalidValue(localName, String(local), `Value must not be -1 as ${name} value is set as ${all}.`)
    }
    if (local > all) {
      throw invalidValue(
        localName,
        String(local),
        `Value must not be more than ${name} property value: ${all}`,
      )
    }
  }
}
