/**
 * The Docker engine: the one that answers, or one that is started here. It stays, since other test files may be using
 * it, and the next run does. Its base image is made by .ci/install-tools: no registry is needed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { root, type Tool } from '../tools.ts'

export const dockerFolder: string = join(root, '.tools/docker')

/** A root file system with Node and npm, as `docker import` takes it. */
export const baseArchive: string = join(dockerFolder, 'base.tar')

const INSTALL = 'run .ci/install-tools'
const START_SECONDS = 30

let missing: { readonly reason: string | undefined } | undefined

/** Where it is missing there is no engine, and none can be started. */
export const docker: Tool = {
  command: ['docker'],
  get missing() {
    missing ??= { reason: whyMissing() }
    return missing.reason
  },
  get cannotRun() {
    return this.missing !== undefined && !this.missing.includes(INSTALL)
  },
}

/** Runs a command of docker's and gives what it prints. @throws Error with its errors when it fails. */
export async function dockerRun(...args: readonly string[]): Promise<string> {
  const { code, output, errors } = await dockerTry(...args)
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${errors}${output}`)
  return output.trim()
}

export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** The same, and a failure is an answer too. */
export async function dockerTry(...args: readonly string[]): Promise<Ended> {
  const child = spawn('docker', args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: root })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(child, 'close')
  return { code, output, errors }
}

function whyMissing(): string | undefined {
  if (!runs('docker', '--version')) return `docker is not installed: ${INSTALL}`
  if (!answers()) {
    const reason = start()
    if (reason !== undefined) return reason
  }
  const { OTTLA_DOCKER_BASE } = process.env
  if (OTTLA_DOCKER_BASE === undefined && !existsSync(baseArchive)) return `there is no base image: ${INSTALL}`
  return undefined
}

function start(): string | undefined {
  if (!runs('dockerd', '--version'))
    return `no Docker engine answers, and dockerd is not installed: ${INSTALL}`
  if (process.getuid?.() !== 0) return 'no Docker engine answers, and only root can start one'
  mkdirSync(dockerFolder, { recursive: true })
  const log = openSync(join(dockerFolder, 'dockerd.log'), 'w')
  const options = [
    ['--data-root', join(dockerFolder, 'data')],
    // Sockets are in there, whose paths have to be short.
    ['--exec-root', '/run/ottla-docker'],
    ['--pidfile', join(dockerFolder, 'engine.pid')],
  ]
  spawn('dockerd', options.flat(), { detached: true, stdio: ['ignore', log, log] }).unref()
  const endMs = Date.now() + START_SECONDS * 1000
  while (Date.now() < endMs) {
    if (answers()) return undefined
    spawnSync('sleep', ['0.3'])
  }
  return `dockerd does not answer: see ${join(dockerFolder, 'dockerd.log')}`
}

function answers(): boolean {
  return runs('docker', 'info', '--format', '{{.ServerVersion}}')
}

function runs(program: string, ...args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}
