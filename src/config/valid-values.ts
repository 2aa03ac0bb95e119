/** The valid values of a config, checked as the validators of Kafka's ConfigDef check them. */
import type { ConfigDefinition } from './config-definition.ts'
import { ConfigError, invalidValue } from './config-error.ts'
import type { ConfigValue } from './parse-config.ts'

/**
 * Checks a parsed value against its definition's valid values.
 * @param shown the value as Kafka prints it.
 * @throws ConfigError
 */
export function checkValid(definition: ConfigDefinition, value: ConfigValue, shown: string): void {
  const { name, type, valid } = definition
  if (valid === '' && type !== 'LIST') return
  const key = `${type} ${valid}`
  let check = checks.get(key)
  if (check === undefined) {
    check = toCheck(definition)
    checks.set(key, check)
  }
  check(name, value, shown)
}

/** @throws ConfigError */
type Check = (name: string, value: ConfigValue, shown: string) => void

/** Checks by type and notation: few configs have one of their own. */
const checks = new Map<string, Check>()

/** Lists that have to name something. */
const neverEmpty: ReadonlySet<string> = new Set([
  'advertised.listeners',
  'controller.listener.names',
  'group.consumer.assignors',
  'group.coordinator.rebalance.protocols',
  'group.share.assignors',
  'listeners',
  'log.dir',
  'log.dirs',
  'process.roles',
])

function toCheck({ type, valid }: ConfigDefinition): Check {
  const range = /^\[(-?[\d.]+),\.\.\.(?:,(-?[\d.]+))?\]$/.exec(valid)
  if (range !== null) return rangeCheck(range[1] ?? '', range[2])
  switch (valid) {
    case '[1,...,9] or -1':
      return gzipLevelCheck
    case 'non-empty string':
      return nonEmptyCheck
    // Controllers are no part of ottla, and a value that is set is never null.
    case 'non-empty list':
    case 'non-null string':
      return () => undefined
    case '[partitionId]:[brokerId],[partitionId]:[brokerId],...':
      return throttledReplicasCheck
    case '[latest, earliest, by_duration:PnDTnHnMn.nS]':
      return offsetResetCheck
    default:
      return type === 'LIST' ? listCheck(valid) : enumCheck(valid)
  }
}

function rangeCheck(minText: string, maxText: string | undefined): Check {
  const min = Number(minText)
  const max = maxText === undefined ? Number.POSITIVE_INFINITY : Number(maxText)
  return (name, value, shown) => {
    if (Number(value) < min) throw invalidValue(name, shown, `Value must be at least ${minText}`)
    if (Number(value) > max) throw invalidValue(name, shown, `Value must be no more than ${maxText}`)
  }
}

const gzipLevelCheck: Check = (name, value, shown) => {
  if (value === -1 || (Number(value) >= 1 && Number(value) <= 9)) return
  throw invalidValue(name, shown, 'Value must be between 1 and 9 or equal to -1')
}

const nonEmptyCheck: Check = (name, value, shown) => {
  if (value === '') throw invalidValue(name, shown, 'String must be non-empty')
}

function enumCheck(notation: string): Check {
  const anyCase = notation.startsWith('(case insensitive) ')
  const list = notation.slice(notation.indexOf('[') + 1, -1)
  const allowed = new Set(list.split(', '))
  const reason = `String must be one of${anyCase ? ' (case insensitive)' : ''}: ${list}`
  return (name, value, shown) => {
    if (!allowed.has(anyCase ? String(value).toUpperCase() : String(value))) {
      throw invalidValue(name, shown, reason)
    }
  }
}

/** Lists name nothing that has no name. */
function listCheck(notation: string): Check {
  const checkOne = notation === '' ? undefined : enumCheck(notation)
  const choice = notation === '' ? 'any non-empty value' : notation
  return (name, value, _shown) => {
    const items: readonly string[] = Array.isArray(value) ? value : []
    if (items.length === 0 && neverEmpty.has(name)) {
      throw new ConfigError(`Configuration '${name}' must not be empty. Valid values include: ${choice}`)
    }
    for (const item of items) {
      if (checkOne !== undefined) checkOne(name, item, item)
      else if (item === '') throw new ConfigError(`Configuration '${name}' values must not be empty.`)
    }
  }
}

/** Every replica (`*`), or partition:broker pairs (KIP-73). */
const throttledReplicasCheck: Check = (name, value, _shown) => {
  const pairs: readonly string[] = Array.isArray(value) ? value : []
  const fits = (pairs.length === 1 && pairs[0] === '*') || pairs.every((pair) => /^\d+:\d+$/.test(pair))
  // A trailing comma leaves nothing behind it that could be wrong.
  if (fits || pairs.every((pair) => pair === '')) return
  throw invalidValue(
    name,
    `[${pairs.join(', ')}]`,
    `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
  )
}

/** Where a share group starts (KIP-932). */
const offsetResetCheck: Check = (name, value, shown) => {
  if (value === 'latest' || value === 'earliest' || isPastDuration(String(value))) return
  throw invalidValue(
    name,
    shown,
    `Invalid value \`${shown}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`,
  )
}

const DURATION =
  /^by_duration:([-+]?)P(?:([-+]?\d+)D)?(?:T(?=[-+\d])(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:[.,]\d{0,9})?)S)?)?$/i

/** Whether a text is `by_duration:` and a duration of ISO 8601 that is not negative. */
function isPastDuration(text: string): boolean {
  if (text.length > 200 || !text.startsWith('by_duration:')) return false
  const match = DURATION.exec(text)
  if (match === null) return false
  const [, sign, days, hours, minutes, seconds] = match
  if (days === undefined && hours === undefined && minutes === undefined && seconds === undefined)
    return false
  const total =
    Number(days ?? 0) * 86_400 +
    Number(hours ?? 0) * 3_600 +
    Number(minutes ?? 0) * 60 +
    Number((seconds ?? '0').replace(',', '.'))
  return (sign === '-' ? -total : total) >= 0
}
