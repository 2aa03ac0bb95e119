/** What is known of each config before anybody has set it: its type, default, valid values, and who may change it. */
import { brokerConfigRows, clientMetricsConfigRows, groupConfigRows, topicConfigRows } from './definitions.ts'
import { internalBrokerConfigRows, internalTopicConfigRows } from './internal-definitions.ts'
import { ownBrokerConfigRows } from './own-definitions.ts'

export type ConfigType =
  | 'BOOLEAN'
  | 'STRING'
  | 'INT'
  | 'SHORT'
  | 'LONG'
  | 'DOUBLE'
  | 'LIST'
  | 'CLASS'
  | 'PASSWORD'

/** A line of the generated tables: flag 1 is read-only, 2 is sensitive; `synonym` is the broker's config behind it. */
export type ConfigRow = readonly [
  name: string,
  type: ConfigType,
  defaultText: string | null,
  flags: number,
  valid?: string,
  synonym?: string,
]

export interface ConfigDefinition {
  readonly name: string
  readonly type: ConfigType
  /** Kafka's default as text; null where it has none. */
  readonly defaultText: string | null
  /** Whether it can only be set when the broker starts. */
  readonly readOnly: boolean
  /** Whether its value is never shown. */
  readonly sensitive: boolean
  /** Its valid values in ConfigDef's notation, such as `[1,...]`; empty where any value of the type will do. */
  readonly valid: string
  /** For topics, groups: the broker config of the same meaning and unit. */
  readonly synonym: string | undefined
  /** Whether it is listed only where it is set. */
  readonly internal: boolean
}

export type ConfigScope = 'broker' | 'topic' | 'group' | 'client metrics'

export type ConfigDefinitions = ReadonlyMap<string, ConfigDefinition>

/** All definitions of one scope by name, the internal ones last. Built when first asked for. */
export function configDefinitions(scope: ConfigScope): ConfigDefinitions {
  let definitions = built.get(scope)
  if (definitions === undefined) {
    const { listed, internal } = rows[scope]
    definitions = new Map([
      ...listed.map((row) => [row[0], toDefinition(row, false)] as const),
      ...internal.map((row) => [row[0], toDefinition(row, true)] as const),
    ])
    built.set(scope, definitions)
  }
  return definitions
}

const rows: Record<ConfigScope, { listed: readonly ConfigRow[]; internal: readonly ConfigRow[] }> = {
  broker: { listed: brokerConfigRows, internal: [...internalBrokerConfigRows, ...ownBrokerConfigRows] },
  topic: { listed: topicConfigRows, internal: internalTopicConfigRows },
  group: { listed: groupConfigRows, internal: [] },
  'client metrics': { listed: clientMetricsConfigRows, internal: [] },
}

const built = new Map<ConfigScope, ConfigDefinitions>()

function toDefinition(row: ConfigRow, internal: boolean): ConfigDefinition {
  const [name, type, defaultText, flags, valid = '', synonym] = row
  return {
    name,
    type,
    defaultText,
    readOnly: (flags & 1) !== 0,
    sensitive: (flags & 2) !== 0,
    valid,
    synonym,
    internal,
  }
}
