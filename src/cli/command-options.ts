/** Options in the notation of Kafka's own tools: `--name value`, `--name=value`, and names cut short. */
import { nearest } from '../config/nearest.ts'
import { UsageError } from './usage-error.ts'

/** Whether an option takes a value. */
export type OptionTable = Readonly<Record<string, 'flag' | 'value'>>

/** What was given: the values of each option, in their order; none for a flag. */
export type Options = ReadonlyMap<string, readonly string[]>

/** @throws UsageError */
export function parseOptions(table: OptionTable, args: readonly string[]): Options {
  const options = new Map<string, string[]>()
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const [, text, inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (text === undefined) throw new UsageError(`${arg} is no option`)
    const name = wholeName(table, text)
    const values = options.get(name) ?? []
    options.set(name, values)
    if (table[name] === 'flag') {
      if (inline !== undefined) throw new UsageError(`--${name} takes no value`)
      continue
    }
    const value = inline ?? args[++at]
    if (value === undefined) throw new UsageError(`--${name} needs a value`)
    values.push(value)
  }
  return options
}

/** The number that an option has, or undefined where it is not there. @throws UsageError */
export function numberOf(options: Options, name: string): number | undefined {
  const text = options.get(name)?.at(-1)
  if (text === undefined) return undefined
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`--${name}: ${text} is no number`)
}

function wholeName(table: OptionTable, text: string): string {
  if (Object.hasOwn(table, text)) return text
  const begun = Object.keys(table).filter((name) => name.startsWith(text))
  const [only] = begun
  if (only !== undefined && begun.length === 1) return only
  if (begun.length > 1)
    throw new UsageError(`--${text} may be ${begun.map((name) => `--${name}`).join(' or ')}`)
  const meant = nearest(text, Object.keys(table))
  throw new UsageError(
    `there is no option --${text}${meant === undefined ? '' : `: did you mean --${meant}?`}`,
  )
}
