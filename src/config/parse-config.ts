/** Texts of configs ↔ their values, by the rules of Kafka's ConfigDef. */
import type { ConfigDefinition, ConfigType } from './config-definition.ts'
import { invalidValue } from './config-error.ts'
import { checkValid } from './valid-values.ts'

/** LONG is a plain number here: what is beyond 2^53 is rounded, which no comparison of times and sizes notices. */
export type ConfigValue = boolean | string | number | readonly string[]

/**
 * The value that a text stands for, checked against the config's type and valid values.
 * @throws ConfigError with Kafka's kind of message.
 */
export function parseConfig(definition: ConfigDefinition, text: string): ConfigValue {
  const value = parseType(definition.name, definition.type, text)
  checkValid(definition, value, normalText(definition.type, text))
  return value
}

/** The value that a text stands for, checked against the type alone. @throws ConfigError */
export function parseType(name: string, type: ConfigType, text: string): ConfigValue {
  const trimmed = javaTrim(text)
  switch (type) {
    case 'BOOLEAN':
      return parseBoolean(name, text, trimmed)
    case 'INT':
      return parseWhole(name, type, text, trimmed, INT_RANGE)
    case 'SHORT':
      return parseWhole(name, type, text, trimmed, SHORT_RANGE)
    case 'LONG':
      return parseWhole(name, type, text, trimmed, LONG_RANGE)
    case 'DOUBLE':
      return parseDouble(name, text, trimmed)
    case 'LIST':
      return trimmed === '' ? [] : splitList(trimmed)
    default:
      return trimmed
  }
}

/**
 * How Kafka prints a config that was given as `text`: parsed and converted back, so ` 007 ` reads `7`, and
 * `compact , delete` reads `compact,delete`.
 */
export function normalText(type: ConfigType, text: string): string {
  const trimmed = javaTrim(text)
  switch (type) {
    case 'BOOLEAN':
      return trimmed.toLowerCase()
    case 'INT':
    case 'SHORT':
    case 'LONG':
      return BigInt(trimmed.replace(/^\+/, '')).toString()
    case 'DOUBLE':
      return doubleText(Number(trimmed.replace(/[dDfF]$/, '')))
    case 'LIST':
      return splitList(trimmed).join(',')
    default:
      return trimmed
  }
}

/** Bounded before it is looked at, so that a megabyte of digits costs nothing. */
const MAX_NUMBER_LENGTH = 100

const SHORT_RANGE = [-(2n ** 15n), 2n ** 15n - 1n] as const
const INT_RANGE = [-(2n ** 31n), 2n ** 31n - 1n] as const
const LONG_RANGE = [-(2n ** 63n), 2n ** 63n - 1n] as const

/** String.trim of Java: everything up to and including the space, and nothing beyond it. */
function javaTrim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

/**
 * The items of a list, each once: Kafka drops duplicates in silence (KIP-1161). Not split by a regular expression,
 * which takes quadratic time over a long run of spaces.
 */
function splitList(text: string): string[] {
  return [...new Set(text.split(',').map(javaTrim))]
}

function parseBoolean(name: string, text: string, trimmed: string): boolean {
  const lower = trimmed.toLowerCase()
  if (lower !== 'true' && lower !== 'false') {
    throw invalidValue(name, text, 'Expected value to be either true or false')
  }
  return lower === 'true'
}

function parseWhole(
  name: string,
  type: ConfigType,
  text: string,
  trimmed: string,
  [min, max]: readonly [bigint, bigint],
): number {
  if (trimmed.length > MAX_NUMBER_LENGTH || !/^[+-]?[0-9]+$/.test(trimmed)) {
    throw invalidValue(name, text, `Not a number of type ${type}`)
  }
  const value = BigInt(trimmed.replace(/^\+/, ''))
  if (value < min || value > max) throw invalidValue(name, text, `Not a number of type ${type}`)
  return Number(value)
}

function parseDouble(name: string, text: string, trimmed: string): number {
  const special = /^[+-]?(NaN|Infinity)$/.test(trimmed)
  if (trimmed.length > MAX_NUMBER_LENGTH) throw invalidValue(name, text, 'Not a number of type DOUBLE')
  if (!special && !/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?$/.test(trimmed)) {
    throw invalidValue(name, text, 'Not a number of type DOUBLE')
  }
  return special && trimmed.endsWith('NaN') ? Number.NaN : Number(trimmed.replace(/[dDfF]$/, ''))
}

/** Double.toString of Java, as far as configs go: 0.5, 1.0, 1.0E10, 1.0E-4. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
  }
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value)
}
