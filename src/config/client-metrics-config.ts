/** The configs of client metrics subscriptions (KIP-714): which metrics, how often, of which clients. */
import { configDefinitions } from './config-definition.ts'
import { ConfigError } from './config-error.ts'
import { type ConfigValue, parseConfig } from './parse-config.ts'

/** A subscription is asked for that cannot be; Kafka calls the request invalid, not the config. */
export class SubscriptionError extends Error {}

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
  if (Array.isArray(patterns)) for (const pattern of patterns) checkPattern(pattern)
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

function checkPattern(pattern: string): void {
  const parts = pattern.split('=')
  // Java's split drops what is empty at the end.
  while (parts.at(-1) === '') parts.pop()
  const [selector = '', expression = ''] = parts
  if (parts.length === 2 && SELECTORS.has(selector.trim()) && isExpression(expression.trim())) return
  throw new ConfigError(`Illegal client matching pattern: ${pattern}`)
}

/** Whether a text is a regular expression of Java's, of which only the form is looked at; it is never run. */
function isExpression(text: string): boolean {
  const ecma = text
    .replace(/\\Q.*?(\\E|$)/gs, 'q')
    .replace(/\(\?[a-zA-Z-]*:/g, '(?:')
    .replace(/\(\?[a-zA-Z-]+\)/g, '')
    .replace(/\(\?>/g, '(?:')
    .replace(/([*+?}])\+/g, '$1')
  try {
    new RegExp(ecma)
    return true
  } catch {
    return false
  }
}
