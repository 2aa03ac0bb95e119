/**
 * What the programs in JavaScript that show a client's features have in common. They are programs of their own, since
 * such a client needs a Node or an installation of its own.
 *
 * usage of such a program: features.js BOOTSTRAP FEATURE...
 *
 * It runs every named feature, all side by side, and prints a JSON object per line for each when it has ended:
 * {"feature": ..., "error": null or the reason} and, where something was stored, {"topic": ...} to look at.
 * `features.js BOOTSTRAP --worker ARGS...` is the worker that the feature `crash and resume` kills.
 */
import { deepStrictEqual } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const DEADLINE_MS = 25_000
/** The least that group.min.session.timeout.ms lets through by default. */
export const SESSION_TIMEOUT_MS = 6000
const HOLDING = 'holding 10'

export const [, , bootstrap, ...names] = process.argv

/** A package that .ci/install-tools has put into a folder of .tools/. */
export function load(folder, name) {
  return createRequire(join(toolsOf(folder), 'package.json'))(name)
}

/** The feature that tells the version of such a package. */
export function versionOf(folder, name) {
  const manifest = readFileSync(join(toolsOf(folder), 'node_modules', name, 'package.json'), 'utf8')
  return async () => ({ client: JSON.parse(manifest).version })
}

function toolsOf(folder) {
  return join(import.meta.dirname, '../.tools', folder)
}

export function unique(name) {
  return `${name}-${randomBytes(5).toString('hex')}`
}

export function upTo(count) {
  return Array.from({ length: count }, (_, index) => index)
}

export function numbered(count) {
  return upTo(count).map((index) => `message ${index}`)
}

export const expect = deepStrictEqual

/** Asks `probe` until its answer is true. */
export async function until(what, probe) {
  const deadline = performance.now() + DEADLINE_MS
  while (performance.now() < deadline) {
    const answer = await probe()
    if (answer) return answer
    await pause(10)
  }
  throw new Error(`${what}: not so within ${DEADLINE_MS} ms`)
}

/** The error that `action` ends with, or undefined. */
export async function refusal(action) {
  try {
    await action()
  } catch (error) {
    return error
  }
  return undefined
}

/** Each of `count` partitions is held by exactly one of several readers and no reader is idle. */
export function shared(count, ...held) {
  return held.every(({ length }) => length > 0) && `${held.flat().sort()}` === `${upTo(count)}`
}

/** Starts this program again as a worker, waits until it holds the message at offset 10, and kills it then. */
export async function crashedWorker(...args) {
  const worker = spawn(process.execPath, [process.argv[1], bootstrap, '--worker', ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(worker, 'close')
  for await (const line of createInterface(worker.stdout)) {
    if (line === HOLDING) worker.kill('SIGKILL')
  }
  expect(await ended, [null, 'SIGKILL'])
}

/** Says that the worker has come to the message at offset 10, and waits for its end. */
export function hold() {
  console.log(HOLDING)
  return new Promise(() => {})
}

/** @param worker is called with the arguments that `crashedWorker` was given. */
export async function main(features, worker) {
  if (names[0] === '--worker') {
    // Never without a parent.
    process.stdin.on('end', () => process.exit(1)).resume()
    await worker(...names.slice(1))
    return
  }
  await Promise.all(names.map((name) => show(name, features[name])))
  // What a client has left running is of no interest any more.
  process.exit(0)
}

async function show(feature, body) {
  let told
  try {
    told = { feature, error: null, ...(await body()) }
  } catch (error) {
    told = { feature, error: error.stack, causes: error.errors?.map(String) }
  }
  console.log(JSON.stringify(told))
}
