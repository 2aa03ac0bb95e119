/**
 * The checked-in protocol definitions, as far as this suite needs them: to fill in the fields of a request that
 * a case does not care about, and to know in which versions a message changes.
 */
import { readFileSync } from 'node:fs'
import { ZERO_UUID } from '../../src/wire/reader.ts'

export interface FieldDefinition {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly default?: string | number | boolean
  readonly fields?: readonly FieldDefinition[]
}

export interface MessageDefinition {
  readonly apiKey?: number
  readonly name: string
  readonly validVersions: string
  readonly flexibleVersions?: string
  readonly fields: readonly FieldDefinition[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly FieldDefinition[] }[]
}

/** Any object that a case wrote; its fields are checked by the type of the request it becomes. */
export type Tree = Record<string, unknown>

const loaded = new Map<string, MessageDefinition>()

/** The definition of a message, such as `FetchRequest`. */
export function definition(name: string): MessageDefinition {
  let found = loaded.get(name)
  if (found === undefined) {
    const text = readFileSync(new URL(`../../protocol/messages/${name}.json`, import.meta.url), 'utf8')
    found = JSON.parse(text) as MessageDefinition
    loaded.set(name, found)
  }
  return found
}

/** The whole message: what `partial` gives, and the definition's defaults for every other field. */
export function fill(name: string, partial: Tree): Tree {
  const message = definition(name)
  return fillStruct(message, message.fields, partial)
}

function fillStruct(message: MessageDefinition, fields: readonly FieldDefinition[], partial: Tree): Tree {
  const out: Tree = {}
  for (const field of fields) {
    const key = camelCase(field.name)
    const given = partial[key]
    out[key] = given === undefined ? defaultOf(message, field) : fillValue(message, field, given)
  }
  const unknown = Object.keys(partial).filter((key) => !(key in out))
  if (unknown.length > 0) throw new Error(`${message.name} has no field ${unknown.join(', ')}`)
  return out
}

function fillValue(message: MessageDefinition, field: FieldDefinition, given: unknown): unknown {
  const struct = fieldsOf(message, field)
  if (struct === null || given === null) return given
  if (Array.isArray(given)) return given.map((item) => fillStruct(message, struct, item as Tree))
  return fillStruct(message, struct, given as Tree)
}

/** The fields of a field's struct, or null when it is no struct. */
export function fieldsOf(
  message: MessageDefinition,
  field: FieldDefinition,
): readonly FieldDefinition[] | null {
  if (field.fields !== undefined) return field.fields
  const name = field.type.replace('[]', '')
  return message.commonStructs?.find((struct) => struct.name === name)?.fields ?? null
}

function defaultOf(message: MessageDefinition, field: FieldDefinition): unknown {
  if (field.default === 'null') return null
  if (field.type.startsWith('[]')) return []
  switch (field.type) {
    case 'bool':
      return String(field.default ?? 'false') === 'true'
    case 'string':
      return String(field.default ?? '')
    case 'uuid':
      return ZERO_UUID
    case 'bytes':
    case 'records':
      return Buffer.alloc(0)
    case 'int64':
      return BigInt(field.default ?? 0)
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint16':
    case 'uint32':
    case 'float64':
      return Number(field.default ?? 0)
    default:
      return fillStruct(message, fieldsOf(message, field) ?? [], {})
  }
}

/** Kafka's field name as the generated code spells it. */
export function camelCase(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** `2+`, `0-3`, `4` or `none` as a range; null for none. */
export function versionRange(text: string | undefined): readonly [min: number, max: number] | null {
  if (text === undefined || text === 'none') return null
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text)
  if (match === null) throw new Error(`no version range: ${text}`)
  const min = Number(match[1])
  if (match[2] === undefined) return [min, min]
  return [min, match[3] === undefined ? Number.POSITIVE_INFINITY : Number(match[3])]
}

/** The first version after each change of an API's request or response within `[min, max]`, and `min` itself. */
export function changedVersions(api: string, [min, max]: readonly [number, number]): readonly number[] {
  const out = new Set([min])
  const add = (text: string | undefined): void => {
    const range = versionRange(text)
    if (range === null) return
    for (const version of [range[0], range[1] + 1]) if (version > min && version <= max) out.add(version)
  }
  const walk = (message: MessageDefinition, fields: readonly FieldDefinition[]): void => {
    for (const field of fields) {
      add(field.versions)
      add(field.nullableVersions)
      add(field.taggedVersions)
      const struct = fieldsOf(message, field)
      if (struct !== null) walk(message, struct)
    }
  }
  for (const kind of ['Request', 'Response']) {
    const message = definition(api + kind)
    add(message.flexibleVersions)
    walk(message, message.fields)
  }
  return [...out].sort((a, b) => a - b)
}
