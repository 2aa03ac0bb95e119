/** Holds the generated messages against what Apache Kafka's own classes write and read; see GoldenVectors.java. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Message } from '../message.ts'
import { Reader } from '../reader.ts'
import { WireError } from '../wire-error.ts'
import { Writer } from '../writer.ts'

interface Vector {
  readonly name: string
  readonly version: number
  readonly kind: string
  readonly bytes: string
  readonly value: unknown
}

interface Known {
  readonly versions: readonly [min: number, max: number]
  readonly message: Message<unknown>
}

/** Definitions whose class in Kafka has another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = { ZkMigrationRecord: 'ZkMigrationStateRecord' }

// Some hundred thousand errors are thrown here whose stack nobody looks at.
Error.stackTraceLimit = 0

const vectors = readVectors()
const messages = await knownMessages()

describe('golden vectors', () => {
  test('cover every message in every version, and no other', () => {
    const covered = new Set(vectors.map(({ name, version }) => `${name} v${version}`))
    const expected = new Set<string>()
    for (const [name, { versions }] of messages) {
      for (let version = versions[0]; version <= versions[1]; version++) expected.add(`${name} v${version}`)
    }
    expect([...covered].sort()).toEqual([...expected].sort())
    expect(messages.size).toBeGreaterThan(250)
  })

  for (const [name, { message }] of messages) {
    const own = vectors.filter((vector) => vector.name === name)

    test(`${name} is read and written as Kafka does`, () => {
      const writer = new Writer()
      for (const { version, kind, bytes, value } of own) {
        const label = `${name} v${version} ${kind}`
        const buffer = Buffer.from(bytes, 'base64')
        const reader = new Reader(buffer)
        const read = message.read(reader, version)
        expect(plain(read), label).toEqual(value)
        expect(reader.remaining, label).toBe(0)
        message.write(writer, version, read)
        expect(writer.byteLength, label).toBe(buffer.length)
        expect(Buffer.concat(writer.finish()).toString('base64'), label).toBe(bytes)
      }
    })

    test(`${name}, cut short anywhere, is a WireError`, () => {
      for (const { version, kind, bytes } of own) {
        const buffer = Buffer.from(bytes, 'base64')
        // Long vectors are mostly the inside of long strings and bytes, where one place is like another.
        const step = Math.ceil(buffer.length / 300)
        for (let end = 0; end < buffer.length; end += step) {
          const cut = tryToRead(message, buffer.subarray(0, end), version)
          if (cut !== WireError)
            throw new Error(`${name} v${version} ${kind}: ${end} of ${buffer.length} bytes were read`)
        }
      }
    })
  }
})

describe('mutated vectors', () => {
  test('are read or refused with a WireError, and never give more than there are bytes for', () => {
    const inputs = vectors.map(({ name, version, bytes }) => {
      return { known: messages.get(name), version, buffer: Buffer.from(bytes, 'base64') }
    })
    const everyVectorOnce = fc.property(fc.integer(), (seed) => {
      const next = numbers(seed)
      for (const { known, version, buffer } of inputs) {
        if (known === undefined || buffer.length === 0) continue
        const mutated = Buffer.from(buffer)
        for (let left = 1 + (next() % 3); left > 0; left--) {
          mutated[next() % mutated.length] = EVIL_BYTES[next() % EVIL_BYTES.length] ?? next() & 0xff
        }
        const read = tryToRead(known.message, mutated, version)
        if (read !== WireError && elementsIn(read) > mutated.length)
          throw new Error('more elements than bytes')
      }
    })
    fc.assert(everyVectorOnce, { numRuns: 20 })
  })
})

/** Bytes that make lengths huge, negative or null; undefined stands for any byte. */
const EVIL_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, undefined, undefined]

/** Endless numbers below 2^32 that are the same for the same seed (an xorshift). */
function numbers(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

/** How many array elements there are in a value, at any depth. */
function elementsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return 0
  const below = Object.values(value).reduce<number>((sum, item) => sum + elementsIn(item), 0)
  return below + (Array.isArray(value) ? value.length : 0)
}

/** What is read, or WireError where that is thrown; any other error is passed on. */
function tryToRead(message: Message<unknown>, bytes: Buffer, version: number): unknown {
  try {
    return message.read(new Reader(bytes), version)
  } catch (error) {
    if (error instanceof WireError) return WireError
    throw error
  }
}

/** What the vectors' JSON has for a value: int64 as decimal strings, bytes as base64. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field)]))
}

function readVectors(): Vector[] {
  const file = new URL('golden-vectors.jsonl.gz', import.meta.url)
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Vector)
}

/** Everything generated, by the name of its class in Kafka. */
async function knownMessages(): Promise<Map<string, Known>> {
  const known = new Map<string, Known>()
  for (const folder of ['messages', 'coordinator-records', 'metadata-records']) {
    for (const file of readdirSync(new URL(`../${folder}`, import.meta.url))) {
      const exports = (await import(/* @vite-ignore */ `../${folder}/${file}`)) as Record<string, Exported>
      for (const exported of Object.values(exports)) add(known, exported)
    }
  }
  return known
}

interface Exported extends Partial<Message<unknown>> {
  readonly name?: string
  readonly versions: readonly [min: number, max: number]
  readonly request?: Message<unknown>
  readonly response?: Message<unknown>
  readonly key?: Exported
  readonly value?: Exported
}

function add(known: Map<string, Known>, exported: Exported): void {
  const { name = '', versions, request, response, key, value } = exported
  if (request !== undefined && response !== undefined) {
    known.set(`${name}Request`, { versions, message: request })
    known.set(`${name}Response`, { versions, message: response })
  } else if (key !== undefined && value !== undefined) {
    add(known, key)
    add(known, value)
  } else {
    known.set(OTHER_NAMES[name] ?? name, { versions, message: exported as Message<unknown> })
  }
}
