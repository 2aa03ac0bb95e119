/** What the program is to do, from all that says it: files, environment and flags, from weak to strong. */
import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { configDefinitions } from '../config/config-definition.ts'
import { ConfigError } from '../config/config-error.ts'
import { parseConfig } from '../config/parse-config.ts'
import { parseProperties } from '../config/properties.ts'
import type { TopicOptions } from '../index.ts'
import type { Flags } from './arguments.ts'
import { readEnvironment } from './environment.ts'
import { UsageError } from './usage-error.ts'

/** One config, and where it was set, as a message names it. */
export interface Setting {
  readonly name: string
  readonly value: string
  readonly origin: string
}

export interface StartOptions {
  /** Undefined where the config `listeners` says where to listen. */
  readonly port: number | undefined
  readonly host: string | undefined
  readonly topics: readonly TopicOptions[]
  readonly dataDir: string | undefined
  readonly clusterId: string | undefined
  readonly config: Readonly<Record<string, string>>
  /** For the log, when there is one. */
  readonly warnings: readonly string[]
}

/** Kafka's port. */
const DEFAULT_PORT = 9092

/** Every address of the machine, of both families. */
const ALL_HOSTS = '*'

/** A file of configs is a page or two. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/**
 * @throws UsageError, or ConfigError that names the file and line, the variable or the flag where a value is wrong.
 */
export function startOptions(
  flags: Flags,
  environment: Readonly<Record<string, string | undefined>>,
): StartOptions {
  const warnings: string[] = []
  const fromEnvironment = readEnvironment(environment)
  const settings = new Map<string, Setting>()
  for (const file of flags.configFiles) {
    for (const setting of readFile(file, warnings)) settings.set(setting.name, setting)
  }
  for (const setting of fromEnvironment.settings) settings.set(setting.name, setting)
  warnings.push(...fromEnvironment.warnings)
  for (const [name, value] of Object.entries(flags.config)) {
    settings.set(name, { name, value, origin: `-c ${name}` })
  }
  // The flag is stronger than what files and the environment say of the same.
  if (flags.dataDir !== undefined) for (const name of ['log.dirs', 'log.dir']) settings.delete(name)
  // Nowhere is in memory, for those who have to undo what a file or an image sets.
  if (settings.get('log.dirs')?.value === '') settings.delete('log.dirs')
  for (const setting of settings.values()) checkValue(setting)
  const { port, host } = flags
  if (port === undefined && host === undefined) listenWhereAdvertised(settings)
  adviseOnAdvertised(settings, warnings)
  const topics = [...fromEnvironment.topics, ...flags.topics]
  const config = Object.fromEntries(Array.from(settings.values(), ({ name, value }) => [name, value]))
  return {
    ...placeOf(flags, settings.get('listeners')),
    topics,
    dataDir: flags.dataDir,
    clusterId: flags.clusterId ?? fromEnvironment.clusterId,
    config,
    warnings,
  }
}

/** Of a key that is there twice the last one counts, as in Java. */
function readFile(file: string, warnings: string[]): readonly Setting[] {
  const settings = new Map<string, Setting>()
  for (const { key, value, line } of parseProperties(contentOf(file), file)) {
    const origin = `${file}:${line}`
    const earlier = settings.get(key)
    if (earlier !== undefined) {
      warnings.push(`${origin}: ${key} is set again and replaces what is set at ${earlier.origin}`)
    }
    settings.set(key, { name: key, value, origin })
  }
  return [...settings.values()]
}

function contentOf(file: string): Buffer {
  const why = (reason: string): UsageError =>
    new UsageError(`cannot read the configs in ${file}: ${reason}. A single config is given as name=value`)
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) throw why('it is a directory')
    if (stat.size > MAX_FILE_BYTES) throw why(`${stat.size} bytes are too many for a file of configs`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw why(REASONS[code] ?? code)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be read',
  ENOENT: 'there is no such file',
}

/** Here the place is still known that a wrong value comes from. */
function checkValue({ name, value, origin }: Setting): void {
  const definition = configDefinitions('broker').get(name)
  if (definition === undefined) return
  try {
    parseConfig(definition, value)
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`${origin}: ${error.message}`)
    throw error
  }
}

/**
 * The container images listen where they are advertised when the environment says no more than that: on the same
 * ports, and on every address.
 */
function listenWhereAdvertised(settings: Map<string, Setting>): void {
  const advertised = settings.get('advertised.listeners')
  if (advertised === undefined || settings.has('listeners') || !advertised.origin.startsWith('KAFKA_')) return
  const value = advertised.value
    .split(',')
    .map((listener) => listener.trim().replace(/^([^:]+:\/\/).*:(\d+)$/, '$1:$2'))
    .join(',')
  settings.set('listeners', { name: 'listeners', value, origin: advertised.origin })
}

interface Address {
  readonly name: string
  readonly host: string
  readonly port: string
}

function addressesOf(setting: Setting | undefined): readonly Address[] {
  return (setting?.value ?? '').split(',').flatMap((text) => {
    const [, name, host, port] = /^([^:]+):\/\/(.*):(\d+)$/.exec(text.trim()) ?? []
    return name === undefined || host === undefined || port === undefined ? [] : [{ name, host, port }]
  })
}

/**
 * In the environment of containers a listener is advertised without a host, which stands for the container's own: the
 * address that a client has connected to is as good, and is told to it when the listener is left out. Where ports
 * differ, something has to stand in between; nobody can see from here whether it does.
 */
function adviseOnAdvertised(settings: Map<string, Setting>, warnings: string[]): void {
  const advertised = settings.get('advertised.listeners')
  if (advertised === undefined) return
  const listeners = addressesOf(settings.get('listeners'))
  const portOf = (name: string): string | undefined => listeners.find((each) => each.name === name)?.port
  const addresses = addressesOf(advertised)
  if (advertised.origin.startsWith('KAFKA_') && addresses.some(({ host }) => host === '')) {
    const told = addresses
      .filter(({ name, host, port }) => host !== '' || port !== portOf(name))
      .map(({ name, host, port }) => `${name}://${host === '' ? hostname() : host}:${port}`)
    if (told.length === 0) settings.delete('advertised.listeners')
    else settings.set('advertised.listeners', { ...advertised, value: told.join(',') })
  }
  const others = addresses
    .map(({ name, host, port }) => ({ host, port, own: portOf(name) }))
    .filter(({ port, own }) => own !== undefined && own !== '0' && own !== port)
  const [first] = others
  if (first === undefined) return
  const told = others.map(({ host, port }) => `${host}:${port}`).join(' and ')
  const bound = others.map(({ own }) => own).join(' and ')
  warnings.push(
    `advertised.listeners (${advertised.origin}): clients are told to connect to ${told} while the broker listens on ` +
      `${bound}: they reach it only where ${first.port} leads to ${first.own}, as with docker run -p ${first.port}:${first.own}`,
  )
}

function placeOf(
  { port, host }: Flags,
  listeners: Setting | undefined,
): { readonly port: number | undefined; readonly host: string | undefined } {
  if (listeners === undefined) return { port: port ?? DEFAULT_PORT, host: host ?? ALL_HOSTS }
  if (port === undefined && host === undefined) return { port: undefined, host: undefined }
  throw new UsageError(`listeners (${listeners.origin}) says where to listen: leave out --port and --host`)
}
