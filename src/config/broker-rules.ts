/** What a broker's configs may be only in view of each other, as Kafka checks them at its start and at each change. */
import type { BrokerConfig, BrokerConfigName } from './broker-config.ts'
import { ConfigError } from './config-error.ts'

/** @throws ConfigError for the first rule that is broken. */
export function checkBrokerRules(config: BrokerConfig): void {
  for (const rule of rules) rule(config)
}

/** The addresses that max.connections.per.ip.overrides names, each with its limit. @throws ConfigError */
export function perIpOverrides(text: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const colon = entry.lastIndexOf(':')
    const count = entry.slice(colon + 1).trim()
    if (colon < 1 || !/^-?\d{1,10}$/.test(count)) {
      throw new ConfigError(
        `max.connections.per.ip.overrides: ${entry} is not of the form host:limit, as in 127.0.0.1:200`,
      )
    }
    limits.set(entry.slice(0, colon).trim(), Number(count))
  }
  return limits
}

type Rule = (config: BrokerConfig) => void

const MEBIBYTE = 1024 * 1024
/** zstd. */
const LAST_CODEC = 4

/** How long the log of a topic without configs of its own is kept: its setting of the finest unit. */
function inMs(config: BrokerConfig, ...names: readonly (readonly [BrokerConfigName, number])[]): number {
  for (const [name, factor] of names) {
    const value = config.get(name)
    if (typeof value === 'number') return value < 0 && name.startsWith('log.retention') ? -1 : value * factor
  }
  return -1
}

function need(holds: boolean, message: string): void {
  if (!holds) throw new ConfigError(message)
}

const rules: readonly Rule[] = [
  (config) => {
    const rollMs = inMs(config, ['log.roll.ms', 1], ['log.roll.hours', 3_600_000])
    need(rollMs >= 1, 'log.roll.ms must be greater than or equal to 1')
    const jitterMs = inMs(config, ['log.roll.jitter.ms', 1], ['log.roll.jitter.hours', 3_600_000])
    need(jitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0')
    const retentionMs = logRetentionMs(config)
    need(
      retentionMs === -1 || retentionMs >= 1,
      'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
    )
  },
  (config) =>
    need(
      Math.trunc(config.get('log.cleaner.dedupe.buffer.size') / config.get('log.cleaner.threads')) >
        MEBIBYTE && config.get('log.cleaner.threads') > 0,
      'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ),
  (config) => {
    const waitMs = config.get('replica.fetch.wait.max.ms')
    need(
      waitMs <= config.get('replica.socket.timeout.ms'),
      'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts',
    )
    need(
      waitMs <= config.get('replica.lag.time.max.ms'),
      'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR',
    )
  },
  (config) => {
    const queuedBytes = config.get('queued.max.request.bytes')
    need(
      queuedBytes <= 0 || queuedBytes >= config.get('socket.request.max.bytes'),
      'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
    )
  },
  (config) => {
    const overrides = perIpOverrides(config.text('max.connections.per.ip.overrides') ?? '')
    need(
      config.get('max.connections.per.ip') > 0 || overrides.size > 0,
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
    )
  },
  (config) => {
    const [delayMs, idleMs] = [
      config.get('connection.failed.authentication.delay.ms'),
      config.get('connections.max.idle.ms'),
    ]
    need(
      idleMs < 0 || delayMs < idleMs,
      `connection.failed.authentication.delay.ms=${delayMs} should always be less than connections.max.idle.ms=${idleMs} to prevent failed authentication responses from timing out`,
    )
  },
  (config) => {
    const id = config.text('node.id')
    need(
      id === null || Number(id) === config.get('broker.id'),
      'You must set `node.id` to the same value as `broker.id`.',
    )
  },
  (config) => {
    const codec = config.get('offsets.topic.compression.codec')
    need(codec >= 0 && codec <= LAST_CODEC, `Unknown compression type id: ${codec}`)
  },
  cordonedRule,
  (config) => bounded(config, 'group.consumer', ['session.timeout.ms', 'heartbeat.interval.ms']),
  (config) => bounded(config, 'group.share', ['session.timeout.ms', 'heartbeat.interval.ms']),
  (config) => bounded(config, 'group.share', ['record.lock.duration.ms', 'delivery.count.limit']),
  (config) => bounded(config, 'group.share', ['partition.max.record.locks']),
  (config) => bounded(config, 'group.streams', ['session.timeout.ms', 'heartbeat.interval.ms']),
  (config) =>
    need(
      config.get('group.streams.num.standby.replicas') <= config.get('group.streams.max.standby.replicas'),
      'group.streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
    ),
  ...['group.consumer', 'group.share', 'group.streams'].map(
    (kind) => (config: BrokerConfig) => bounded(config, kind, ['assignment.interval.ms']),
  ),
  ...['group.consumer', 'group.share', 'group.streams'].map(
    (kind) => (config: BrokerConfig) =>
      need(
        numberOf(config, `${kind}.heartbeat.interval.ms`) < numberOf(config, `${kind}.session.timeout.ms`),
        `${kind}.heartbeat.interval.ms must be less than ${kind}.session.timeout.ms`,
      ),
  ),
]

/** log.retention.ms or what stands for it; -1 for ever. */
export function logRetentionMs(config: BrokerConfig): number {
  return inMs(
    config,
    ['log.retention.ms', 1],
    ['log.retention.minutes', 60_000],
    ['log.retention.hours', 3_600_000],
  )
}

/** Log directories that get no new partitions (KIP-1066) are some of those that there are. */
function cordonedRule(config: BrokerConfig): void {
  const cordoned = config.get('cordoned.log.dirs')
  if (cordoned.length === 0) return
  if (cordoned.includes('*')) {
    need(cordoned.length === 1, 'When cordoned.log.dirs is set to *, it must not contain other values')
    return
  }
  const directories = new Set((config.text('log.dirs') ?? config.text('log.dir') ?? '').split(',').map(trim))
  const missing = cordoned.filter((directory) => !directories.has(directory))
  need(
    missing.length === 0,
    `All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${missing.join(',')}`,
  )
}

/** Group configs whose least and greatest values are configs themselves. */
function bounded(config: BrokerConfig, kind: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) {
    const [min, value, max] = [`${kind}.min.${suffix}`, `${kind}.${suffix}`, `${kind}.max.${suffix}`]
    need(numberOf(config, max) >= numberOf(config, min), `${max} must be greater than or equal to ${min}`)
    need(numberOf(config, value) >= numberOf(config, min), `${value} must be greater than or equal to ${min}`)
    need(numberOf(config, value) <= numberOf(config, max), `${value} must be less than or equal to ${max}`)
  }
}

function numberOf(config: BrokerConfig, name: string): number {
  return Number(config.text(name))
}

function trim(text: string): string {
  return text.trim()
}
