/** The configs of client metrics subscriptions (KIP-714): which metrics, how often, of which clients. */
import { configDefinitions } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import { type ConfigValue, parseConfig } from './parse-config.ts'

/** A subscription is asked for that cannot be; Kafka calls the request invalid, not the config. */
export class SubscriptionError extends Error {}

/** A subscription: which clients are to push what, and how often. */
export interface ClientMetricsSubscription {
  /** Prefixes of metrics' names; `*` stands for all of them. */
  readonly metrics: readonly string[]
  readonly intervalMs: number
  /** By selector (`client_id`, `client_software_name`, ...), what all of the client's must match as a whole. */
  readonly matches: ReadonlyMap<string, RegExp>
}

/** The push interval of clients that no subscription asks for anything, milliseconds. */
export const DEFAULT_PUSH_INTERVAL_MS = 300_000

/**
 * The subscription that its configs describe.
 * @throws ConfigError when they are none that `checkClientMetricsConfigs` lets pass.
 */
export function clientMetricsSubscription(texts: ReadonlyMap<string, string>): ClientMetricsSubscription {
  const value = (name: string): ConfigValue | undefined => {
    const definition = configDefinitions('client metrics').get(name)
    const text = texts.get(name)
    return definition === undefined || text === undefined ? undefined : parseConfig(definition, text)
  }
  const metrics = value('metrics')
  const intervalMs = value('interval.ms')
  const patterns = value('match')
  return {
    metrics: Array.isArray(metrics) ? metrics : [],
    intervalMs: typeof intervalMs === 'number' ? intervalMs : DEFAULT_PUSH_INTERVAL_MS,
    matches: new Map(Array.isArray(patterns) ? patterns.map(matchOf) : []),
  }
}

/**
 * Checks all that would then be set for a subscription.
 * @throws ConfigError or SubscriptionError with Kafka's kind of message.
 */
export function checkClientMetricsConfigs(subscription: string, texts: ReadonlyMap<string, string>): void {
  if (subscription === '') throw new SubscriptionError("Subscription name can't be empty")
  const definitions = configDefinitions('client metrics')
  const values = new Map<string, ConfigValue>()
  for (const name of texts.keys()) {
    if (!definitions.has(name)) throw new SubscriptionError(`Unknown client metrics configuration: ${name}`)
  }
  for (const definition of definitions.values()) {
    const text = texts.get(definition.name)
    if (text !== undefined) values.set(definition.name, parseConfig(definition, text))
  }
  const intervalMs = values.get('interval.ms')
  if (typeof intervalMs === 'number' && (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS)) {
    throw new SubscriptionError(
      `Invalid value ${intervalMs} for interval.ms, interval must be between 100 and 3600000 (1 hour)`,
    )
  }
  const patterns = values.get('match')
  if (Array.isArray(patterns)) for (const pattern of patterns) matchOf(pattern)
}

const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000

/** What of a client a subscription can ask for. */
const SELECTORS: ReadonlySet<string> = new Set([
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

/** What `selector=expression` asks of a client. @throws ConfigError */
function matchOf(pattern: string): readonly [selector: string, expression: RegExp] {
  const parts = pattern.split('=')
  // Java's split drops what is empty at the end.
  while (parts.at(-1) === '') parts.pop()
  const [selector = '', expression = ''] = parts
  const compiled = parts.length === 2 && SELECTORS.has(selector.trim()) ? wholeMatch(expression.trim()) : null
  if (compiled === null) throw new ConfigError(`Illegal client matching pattern: ${pattern}`)
  return [selector.trim(), compiled]
}

/**
 * A regular expression of Java's that has to match all of a text, as one of ours: quotations are escaped, flags at the
 * start are kept, and what only keeps Java from going back (possessive quantifiers, atomic groups) becomes its ordinary
 * twin. Null when it is no regular expression.
 */
function wholeMatch(text: string): RegExp | null {
  const [, flags = ''] = /^\(\?([a-zA-Z]+)\)/.exec(text) ?? []
  const ecma = text
    .replace(/\\Q(.*?)(?:\\E|$)/gs, (_, quoted: string) => quoted.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .replace(/\(\?[a-zA-Z-]*:/g, '(?:')
    .replace(/\(\?[a-zA-Z-]+\)/g, '')
    .replace(/\(\?>/g, '(?:')
    .replace(/([*+?}])\+/g, '$1')
  try {
    // By itself first: in brackets, what is closed too often would pass.
    new RegExp(ecma)
    return new RegExp(`^(?:${ecma})$`, [...new Set(flags)].filter((flag) => 'is'.includes(flag)).join(''))
  } catch {
    return null
  }
}
