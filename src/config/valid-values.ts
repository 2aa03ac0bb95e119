/** The valid values of a config, checked as Kafka's ConfigDef validators check them. */
import type { ConfigDefinition } from './config-definition.ts'
import { invalidValue } from './config-error.ts'
import type { ConfigValue } from './parse-config.ts'

/**
 * Checks a parsed value against its definition's valid values.
 * @param shown how the value stands in the message, where its own text would be rounded.
 * @throws ConfigError
 */
export function checkValid(definition: ConfigDefinition, value: ConfigValue, shown?: string): void {
  if (definition.valid === '') return
  let check = checks.get(definition.valid)
  if (check === undefined) {
    check = toCheck(definition.valid)
    checks.set(definition.valid, check)
  }
  const problem = check(value)
  if (problem === undefined) return
  throw invalidValue(definition.name, problem.of ?? shown ?? String(value), problem.reason)
}

interface Problem {
  readonly reason: string
  /** The part of the value that is wrong, where it is not the whole. */
  readonly of?: string
}

type Check = (value: ConfigValue) => Problem | undefined

/** Checks by their notation: few configs have one of their own. */
const checks = new Map<string, Check>()

function toCheck(notation: string): Check {
  const range = /^\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\]( or -1)?$/.exec(notation)
  if (range !== null) return rangeCheck(range[1] ?? '', range[2], range[3] !== undefined)
  switch (notation) {
    case 'non-empty string':
      return (value) => (value === '' ? { reason: 'String must be non-empty' } : undefined)
    case 'non-empty list':
    case 'non-null string':
      return () => undefined
    case '[partitionId]:[brokerId],[partitionId]:[brokerId],...':
      return throttledReplicasCheck
    case '[latest, earliest, by_duration:PnDTnHnMn.nS]':
      return offsetResetCheck
    default:
      return enumCheck(notation)
  }
}

function rangeCheck(minText: string, maxText: string | undefined, orMinusOne: boolean): Check {
  const min = Number(minText)
  const max = maxText === undefined ? Number.POSITIVE_INFINITY : Number(maxText)
  return (value) => {
    if (typeof value !== 'number' || (orMinusOne && value === -1)) return undefined
    if (value < min) return { reason: `Value must be at least ${minText}` }
    if (value > max) return { reason: `Value must be no more than ${maxText}` }
    return undefined
  }
}

function enumCheck(notation: string): Check {
  const anyCase = notation.startsWith('(case insensitive) ')
  const list = notation.slice(notation.indexOf('[') + 1, -1)
  const allowed = new Set(list.split(', '))
  const reason = anyCase
    ? `String must be one of (case insensitive): ${list}`
    : `String must be one of: ${list}`
  return (value) => {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (!allowed.has(anyCase ? String(one).toUpperCase() : String(one))) return { reason, of: String(one) }
    }
    return undefined
  }
}

/** KIP-73: every replica (`*`), or partition:broker pairs. */
const throttledReplicasCheck: Check = (value) => {
  const pairs = Array.isArray(value) ? value : []
  const all = pairs.length === 1 && String(pairs[0]).trim() === '*'
  if (all || pairs.every((pair) => /^\s*\d+\s*:\s*\d+\s*$/.test(pair))) return undefined
  return {
    of: `[${pairs.join(', ')}]`,
    reason: "must be the literal '*' or a list of replicas in the form [partitionId]:[brokerId]",
  }
}

/** KIP-932: where a share group starts. */
const offsetResetCheck: Check = (value) => {
  if (value === 'latest' || value === 'earliest' || String(value).startsWith('by_duration:')) return undefined
  return { reason: 'must be latest, earliest, or by_duration: with a duration of ISO 8601' }
}
