/** Which broker configs mean the same thing: in other units, or under the name that topics know. */

export interface Synonym {
  readonly name: string
  /** What to multiply its value by to get the unit of the config that it stands for. */
  readonly factor: bigint
}

const MINUTE_MS = 60_000n
const HOUR_MS = 3_600_000n

/** Broker configs that say the same in several units, highest precedence first. */
const chains: readonly (readonly Synonym[])[] = [
  [plain('log.roll.ms'), { name: 'log.roll.hours', factor: HOUR_MS }],
  [plain('log.roll.jitter.ms'), { name: 'log.roll.jitter.hours', factor: HOUR_MS }],
  [
    plain('log.retention.ms'),
    { name: 'log.retention.minutes', factor: MINUTE_MS },
    { name: 'log.retention.hours', factor: HOUR_MS },
  ],
]

/** The scheduler's interval stands in for the flush interval, but not the other way round. */
const flushChain: readonly Synonym[] = [
  plain('log.flush.interval.ms'),
  plain('log.flush.scheduler.interval.ms'),
]

const byBrokerName = new Map<string, readonly Synonym[]>([
  ...chains.flatMap((chain) => chain.map(({ name }) => [name, chain] as const)),
  ['log.flush.interval.ms', flushChain],
])

/** Topic configs whose broker config stands in several units, by the first of those. */
const topicChains: ReadonlyMap<string, string> = new Map([
  ['flush.ms', 'log.flush.interval.ms'],
  ['retention.ms', 'log.retention.ms'],
  ['segment.jitter.ms', 'log.roll.jitter.ms'],
  ['segment.ms', 'log.roll.ms'],
])

/** Configs that one SASL mechanism of one listener can have for itself. */
const perMechanism: readonly string[] = [
  'connections.max.reauth.ms',
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
]

/** All broker configs that say what `name` says, itself included, highest precedence first. */
export function brokerSynonyms(name: string): readonly Synonym[] {
  const chain = byBrokerName.get(name)
  if (chain !== undefined) return chain
  const baseName = listenerBaseName(name)
  return baseName === undefined ? [plain(name)] : [plain(name), plain(baseName)]
}

/** The config that `listener.name.…` sets for one listener, or for one SASL mechanism of it. */
export function listenerBaseName(name: string): string | undefined {
  const suffix = /^listener\.name\.[^.]*\.(.*)$/.exec(name)?.[1]
  if (suffix === undefined) return undefined
  return perMechanism.find((config) => suffix.endsWith(config)) ?? suffix
}

/**
 * The broker config of highest precedence behind a topic's config.
 * @param listed the synonym of the definition, which has none where there are several units.
 */
export function topicSynonym(name: string, listed: string | undefined): string | undefined {
  return topicChains.get(name) ?? listed
}

function plain(name: string): Synonym {
  return { name, factor: 1n }
}
