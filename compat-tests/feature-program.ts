/**
 * A client's features shown by a program in the client's own language: it is started once with the bootstrap address
 * and all features, runs them side by side and prints a JSON object per line for each that has ended.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import type { FeatureTests } from './features.ts'
import { storedBatches } from './stored-batches.ts'
import type { Tool } from './tools.ts'
import { PATIENCE } from './until.ts'

/** One line of the program's. */
export interface Told {
  readonly feature: string
  /** Why it failed, or null. */
  readonly error: string | null
  /** Where the feature left its records, for whoever wants to look at what was stored. */
  readonly topic?: string
  /** The client's version, told by the feature `version`. */
  readonly client?: string
}

export interface FeatureProgram extends AsyncDisposable {
  /** What the program tells of `feature`. @throws Error when that is an error, or when it ends without a word. */
  told(feature: string): Promise<Told>
}

export function startProgram(tool: Tool, args: readonly string[]): FeatureProgram {
  const [program, ...prefix] = tool.command
  const child = spawn(program, [...prefix, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = new Map<string, Told>()
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const check of waiting) check()
  }
  let complaints = ''
  let ended: string | undefined
  const closed = once(child, 'close').then(([code, signal]) => {
    ended = `the program ended with ${signal ?? code}: ${complaints.slice(-4000)}`
    wake()
  })
  child.on('error', (error) => {
    complaints += error.message
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString()
  })
  createInterface(child.stdout).on('line', (line) => {
    if (!line.startsWith('{')) return
    const told = JSON.parse(line) as Told
    lines.set(told.feature, told)
    wake()
  })
  return {
    told: (feature) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const told = lines.get(feature)
          if (told === undefined && ended === undefined) return
          waiting.delete(check)
          if (told?.error === null) resolve(told)
          else reject(new Error(told?.error ?? ended))
        }
        waiting.add(check)
        check()
      }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** A client whose features are all shown by one program. `running` is asked only when the tests run. */
export function showAll(
  client: FeatureTests,
  running: () => { readonly program: FeatureProgram; readonly bootstrapServers: string },
): void {
  test('is the version that the table names', PATIENCE, async () => {
    expect((await running().program.told('version')).client).toBe(client.version)
  })
  for (const feature of client.claimed) {
    client.shows(feature, async () => {
      const { program, bootstrapServers } = running()
      const { topic } = await program.told(feature)
      if (['gzip', 'snappy', 'lz4', 'zstd'].includes(feature)) {
        const batches = await storedBatches(bootstrapServers, topic ?? '')
        expect(batches.length).toBeGreaterThan(0)
        for (const { codec } of batches) expect(codec).toBe(feature)
      }
      if (feature === 'idempotence') {
        const batches = await storedBatches(bootstrapServers, topic ?? '')
        expect(new Set(batches.map(({ producerId }) => producerId)).size).toBe(1)
        expect(batches[0]?.producerId).toBeGreaterThanOrEqual(0n)
        expect(batches.map(({ baseSequence }) => BigInt(baseSequence))).toEqual(
          batches.map(({ baseOffset }) => baseOffset),
        )
      }
    })
  }
  client.complete()
}
