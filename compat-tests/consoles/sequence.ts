/** What web consoles ask of a broker, as data. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The consoles, by the names of their files. */
export const consoles = ['kafbat', 'akhq'] as const

/** What a file of this folder holds, read from the console's sources. */
export interface ConsoleSequence {
  readonly console: string
  /** The console's version that was read. */
  readonly version: string
  /** Where in its sources. */
  readonly source: string
  /** The version of Apache Kafka's Java client that it carries. */
  readonly clientVersion: string
  readonly admin: ClientSettings
  readonly consumer?: ClientSettings
  /** Requests that its clients make by themselves, whenever they connect or forget. */
  readonly own: readonly string[]
  readonly steps: readonly ConsoleStep[]
}

type ClientSettings = Readonly<Record<string, string | number | boolean>>

export interface ConsoleStep {
  readonly when: string
  /** Made side by side. */
  readonly calls: readonly ConsoleCall[]
  /** The kinds of requests, with their versions, that these calls become: `ListOffsets v8`. */
  readonly requests: readonly string[]
}

/** A call as Consoles.java knows it; where `refusal` is named, Apache Kafka refuses it with that. */
export interface ConsoleCall {
  readonly call: string
  readonly of?: string
  readonly at?: string
  readonly refusal?: string
}

export function readSequence(name: (typeof consoles)[number]): ConsoleSequence {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8')) as ConsoleSequence
}
