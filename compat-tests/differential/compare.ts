/** Compares two answers field by field, and sets known differences aside. */
import type { Json } from './normalize.ts'

export interface Difference {
  /** Where: `topics[0].errorCode`, or `configs[log.dirs].value` where the elements have names. */
  readonly path: string
  readonly kafka: Json | undefined
  readonly ottla: Json | undefined
}

/** A difference that is there on purpose, or not yet gone. */
export interface KnownDifference {
  /** `Api: condition`; `*` stands for any text. */
  readonly case: string
  /** The path or its beginning; `*` stands for any text, `` for the whole answer. */
  readonly path: string
  readonly reason: string
}

export function differences(
  kafka: Json | undefined,
  ottla: Json | undefined,
  path = '',
): readonly Difference[] {
  if (Array.isArray(kafka) && Array.isArray(ottla)) return listDifferences(kafka, ottla, path)
  if (isObject(kafka) && isObject(ottla)) {
    const keys = [...new Set([...Object.keys(kafka), ...Object.keys(ottla)])]
    return keys.flatMap((key) => differences(kafka[key], ottla[key], path === '' ? key : `${path}.${key}`))
  }
  return kafka === ottla ? [] : [{ path, kafka, ottla }]
}

function listDifferences(
  kafka: readonly Json[],
  ottla: readonly Json[],
  path: string,
): readonly Difference[] {
  const kafkaNames = names(kafka)
  const ottlaNames = names(ottla)
  if (kafkaNames !== null && ottlaNames !== null) {
    const all = [...new Set([...kafkaNames.keys(), ...ottlaNames.keys()])]
    return all.flatMap((name) => differences(kafkaNames.get(name), ottlaNames.get(name), `${path}[${name}]`))
  }
  const length = Math.max(kafka.length, ottla.length)
  return Array.from({ length }, (_, index) => index).flatMap((index) =>
    differences(kafka[index], ottla[index], `${path}[${index}]`),
  )
}

/** The elements by name, when each has one of its own. */
function names(items: readonly Json[]): ReadonlyMap<string, Json> | null {
  const out = new Map<string, Json>()
  for (const item of items) {
    const name = isObject(item) ? (item['name'] ?? item['apiKey']) : undefined
    if ((typeof name !== 'string' && typeof name !== 'number') || out.has(String(name))) return null
    out.set(String(name), item)
  }
  return out.size === 0 ? null : out
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What speaks of this difference in the list, if anything does. */
export function known(
  list: readonly KnownDifference[],
  caseId: string,
  difference: Difference,
): KnownDifference | undefined {
  return list.find(
    (entry) => matches(entry.case, caseId, true) && matches(entry.path, difference.path, false),
  )
}

function matches(pattern: string, text: string, whole: boolean): boolean {
  const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${source.join('.*')}${whole ? '$' : ''}`, 's').test(text)
}

/** One difference on one line. */
export function describe(difference: Difference): string {
  const show = (value: Json | undefined): string => (value === undefined ? 'nothing' : JSON.stringify(value))
  return `${difference.path || 'answer'}: Kafka ${show(difference.kafka)}, ottla ${show(difference.ottla)}`
}
