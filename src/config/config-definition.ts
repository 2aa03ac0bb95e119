/** What is known of each config before anybody has set it: its type, default, valid values, and who may change it. */
import { brokerConfigRows, clientMetricsConfigRows, groupConfigRows, topicConfigRows } from './definitions.ts'

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
}

export type ConfigScope = 'broker' | 'topic' | 'group' | 'client metrics'

export type ConfigDefinitions = ReadonlyMap<string, ConfigDefinition>

/** All definitions of one scope by name, sorted by name. Built when first asked for. */
export function configDefinitions(scope: ConfigScope): ConfigDefinitions {
  let definitions = built.get(scope)
  if (definitions === undefined) {
    definitions = new Map(rows[scope].map((row) => [row[0], toDefinition(row)]))
    built.set(scope, definitions)
  }
  return definitions
}

const rows: Record<ConfigScope, readonly ConfigRow[]> = {
  broker: brokerConfigRows,
  topic: topicConfigRows,
  group: groupConfigRows,
  'client metrics': clientMetricsConfigRows,
}

const built = new Map<ConfigScope, ConfigDefinitions>()

function toDefinition([name, type, defaultText, flags, valid = '', synonym]: ConfigRow): ConfigDefinition {
  return {
    name,
    type,
    defaultText,
    readOnly: (flags & 1) !== 0,
    sensitive: (flags & 2) !== 0,
    valid,
    synonym,
  }
}
