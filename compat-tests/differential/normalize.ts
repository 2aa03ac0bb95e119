/** From what a case returned to what is compared: plain JSON, with tokens in place of what cannot be the same. */
import { errorName } from '../../src/wire/error-codes.ts'
import { ZERO_UUID } from '../../src/wire/reader.ts'
import { masks, type TokenKind, unordered } from './masks.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

export interface Normalized {
  readonly tree: Json
  readonly fields: number
  readonly masked: number
  /** `Api.ERROR_NAME`: every error code that appears, with the API that answered it. */
  readonly errors: ReadonlySet<string>
  /** The masks that found something to replace. */
  readonly masksUsed: ReadonlySet<string>
}

/** What is known of the broker and the time of the run. */
export interface RunFacts {
  readonly port: number
  readonly startedMs: number
}

const ORIGIN = Symbol('origin')
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const ADDRESS = /127\.0\.0\.1:\d+/g
const DIRECTORY = /[^,]*ottla-kafka-\w+/g
const NOW_TOLERANCE_MS = 60_000

const tokenByPath: ReadonlyMap<string, TokenKind> = new Map(masks.map((mask) => [mask.path, mask.token]))

/**
 * Marks every object of an answer with the API and the path it comes from, so that its fields are known wherever
 * a case puts them. Copies made by spreading keep the mark.
 */
export function markOrigin<T>(value: T, path: string): T {
  if (Array.isArray(value)) {
    for (const item of value) markOrigin(item, `${path}[]`)
  } else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
    ;(value as Record<symbol, string>)[ORIGIN] = path
    for (const [key, inner] of Object.entries(value)) markOrigin(inner, `${path}.${key}`)
  }
  return value
}

export function normalize(result: unknown, facts: RunFacts): Normalized {
  const walker = new Walker(facts)
  const tree = walker.walk(result, '')
  return { tree, ...walker }
}

class Walker {
  fields = 0
  masked = 0
  readonly errors = new Set<string>()
  readonly masksUsed = new Set<string>()
  readonly #facts: RunFacts
  readonly #numbers = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  constructor(facts: RunFacts) {
    this.#facts = facts
  }

  walk(value: unknown, path: string): Json {
    if (Array.isArray(value)) {
      if (value.length === 0) this.fields++
      const items = sorted(value, path)
      return items.map((item) => this.walk(item, `${path}[]`))
    }
    if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
      const origin = (value as Record<symbol, string>)[ORIGIN] ?? path
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, this.walk(inner, `${origin}.${key}`)]),
      )
    }
    return this.#leaf(value, path)
  }

  #leaf(value: unknown, path: string): Json {
    this.fields++
    const kind = tokenByPath.get(path)
    if (kind !== undefined) {
      const token = this.#token(kind, value)
      if (token !== undefined) {
        this.masked++
        this.masksUsed.add(path)
        return token
      }
    }
    if (typeof value === 'bigint') return value.toString()
    if (Buffer.isBuffer(value)) return value.toString('hex')
    if (typeof value === 'number' && /\.?errorCode$/i.test(path)) {
      this.errors.add(`${path.split('.', 1)[0]}.${errorName(value as never)}`)
      return errorName(value as never)
    }
    if (value === undefined) throw new Error(`nothing at ${path}`)
    return value as Json
  }

  #token(kind: TokenKind, value: unknown): string | undefined {
    switch (kind) {
      case 'port':
        return value === this.#facts.port ? '<port>' : undefined
      case 'now': {
        const ms = Number(value)
        const recent = ms >= this.#facts.startedMs - NOW_TOLERANCE_MS && ms <= Date.now() + NOW_TOLERANCE_MS
        return recent ? '<now>' : undefined
      }
      case 'place': {
        if (typeof value !== 'string') return undefined
        const text = value.replace(ADDRESS, '127.0.0.1:<port>').replace(DIRECTORY, '<directory>')
        return text === value ? undefined : text
      }
      case 'message':
        return typeof value === 'string' && value !== '' ? '<message>' : undefined
      case 'path':
        return typeof value === 'string' && value !== '' ? '<path>' : undefined
      case 'positive':
        return Number(value) > 0 ? '<positive>' : undefined
      case 'uuid': {
        if (typeof value !== 'string') return undefined
        const text = value.replace(UUID, (uuid) => this.#number('uuid', uuid))
        return text === value ? undefined : text
      }
      default: {
        const text = String(value)
        const none =
          kind === 'producer id' || kind === 'features epoch' ? ['-1'] : ['-1', '0', '', 'null', ZERO_UUID]
        return none.includes(text) ? undefined : this.#number(kind, text)
      }
    }
  }

  #number(kind: string, value: string): string {
    const key = `${kind} ${value}`
    let token = this.#numbers.get(key)
    if (token === undefined) {
      const count = (this.#counts.get(kind) ?? 0) + 1
      this.#counts.set(kind, count)
      token = `<${kind} ${count}>`
      this.#numbers.set(key, token)
    }
    return token
  }
}

function sorted(items: readonly unknown[], path: string): readonly unknown[] {
  const keys = unordered[path]
  if (keys === undefined) return items
  const text = (item: unknown): string =>
    (keys.length === 0 ? [''] : keys)
      .map((key) => {
        const value = key === '' ? item : (item as Record<string, unknown>)[key]
        if (typeof value === 'number') return String(value).padStart(12, '0')
        if (Buffer.isBuffer(value)) return value.toString('hex')
        return typeof value === 'object' ? JSON.stringify(value) : String(value)
      })
      .join('\n')
  return items
    .map((item) => [text(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item)
}
