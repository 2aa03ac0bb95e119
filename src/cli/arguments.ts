/** The command line → what is to be done. */
import { parseArgs } from 'node:util'
import { nearest } from '../config/nearest.ts'
import { UsageError } from './usage-error.ts'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** What the flags say; what they leave open is undefined. */
export interface Flags {
  readonly port: number | undefined
  readonly host: string | undefined
  readonly topics: readonly { readonly name: string; readonly partitions: number | undefined }[]
  readonly dataDir: string | undefined
  readonly clusterId: string | undefined
  readonly config: Readonly<Record<string, string>>
  /** Files of configs, such as Kafka's server.properties; the last one wins. */
  readonly configFiles: readonly string[]
  readonly logLevel: LogLevel
}

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'start'; readonly flags: Flags }

/**
 * @param args what follows the program's name.
 * @throws UsageError
 */
export function parseArguments(args: readonly string[]): Command {
  const { given, positionals } = readTokens(args)
  if (given.has('help') || positionals[0] === 'help') return { kind: 'help' }
  if (given.has('version') || positionals[0] === 'version') return { kind: 'version' }
  checkCommand(positionals)
  return { kind: 'start', flags: flagsOf(given) }
}

const FLAGS = {
  port: { type: 'string', short: 'p', example: '--port 9092' },
  host: { type: 'string', example: '--host localhost' },
  topic: { type: 'string', short: 't', example: '--topic orders:3' },
  'data-dir': { type: 'string', short: 'd', example: '--data-dir ./data' },
  'cluster-id': { type: 'string', example: '--cluster-id=4L6g3nShT-eMCtK--X86sw' },
  config: { type: 'string', short: 'c', example: '-c num.partitions=3' },
  'log-level': { type: 'string', example: '--log-level info' },
  help: { type: 'boolean', short: 'h', example: '--help' },
  version: { type: 'boolean', short: 'v', example: '--version' },
} as const

type Flag = keyof typeof FLAGS

/** Kafka's names for the same. */
const LOG_DIRS = ['log.dirs', 'log.dir']

/** Flags that may be given more than once. */
const REPEATABLE: ReadonlySet<Flag> = new Set(['topic', 'config', 'help', 'version'])

type Given = ReadonlyMap<Flag, readonly string[]>

/** `parseArgs` only cuts the line up: its own messages name no flag that might have been meant. */
function readTokens(args: readonly string[]): { given: Given; positionals: readonly string[] } {
  const { tokens } = parseArgs({ args: [...args], options: FLAGS, strict: false, tokens: true })
  const given = new Map<Flag, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!isFlag(name)) throw new UsageError(unknownFlag(rawName))
    const values = given.get(name) ?? []
    if (values.length > 0 && !REPEATABLE.has(name)) throw new UsageError(`${rawName} is given twice`)
    const takesValue = FLAGS[name].type === 'string'
    // No value of ours begins with a dash: what does is the next option.
    const missing = value === undefined || value === '' || (!token.inlineValue && value.startsWith('-'))
    if (takesValue && missing) {
      throw new UsageError(`${rawName} needs a value, as in ${FLAGS[name].example}`)
    }
    if (!takesValue && value !== undefined) throw new UsageError(`${rawName} takes no value`)
    given.set(name, [...values, value ?? ''])
  }
  return { given, positionals }
}

function isFlag(name: string): name is Flag {
  return Object.hasOwn(FLAGS, name)
}

function unknownFlag(rawName: string): string {
  const name = rawName.replace(/^-+/, '')
  const meant = name.length > 1 ? nearest(name, Object.keys(FLAGS)) : undefined
  return `there is no option ${rawName}${meant === undefined ? '' : `: did you mean --${meant}?`}`
}

function checkCommand([command, extra]: readonly string[]): void {
  if (command !== undefined && command !== 'start') {
    const meant = nearest(command, ['start', 'help', 'version'])
    throw new UsageError(
      `there is no command ${command}${meant === undefined ? ' (the only one is start)' : `: did you mean ${meant}?`}`,
    )
  }
  if (extra !== undefined) throw new UsageError(`start takes options only, not ${extra}`)
}

function flagsOf(given: Given): Flags {
  const [portText] = given.get('port') ?? []
  const [host] = given.get('host') ?? []
  const { config, configFiles } = configOf(given.get('config') ?? [])
  const logDirs = given.has('data-dir') ? LOG_DIRS.find((name) => Object.hasOwn(config, name)) : undefined
  if (logDirs !== undefined) {
    throw new UsageError(`the config ${logDirs} says where the data are: leave out --data-dir`)
  }
  if (Object.hasOwn(config, 'listeners') && (portText !== undefined || host !== undefined)) {
    throw new UsageError('the config listeners says where to listen: leave out --port and --host')
  }
  return {
    port: portText === undefined ? undefined : portOf(portText),
    host,
    topics: (given.get('topic') ?? []).map(topicOf),
    dataDir: given.get('data-dir')?.[0],
    clusterId: given.get('cluster-id')?.[0],
    config,
    configFiles,
    logLevel: logLevelOf(given.get('log-level')?.[0] ?? 'info'),
  }
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new UsageError(`${text} is no port: give a number from 0 (any free port) to 65535`)
}

function topicOf(text: string): Flags['topics'][number] {
  const [, name, partitions] = /^([^:]+)(?::(\d{1,6}))?$/.exec(text) ?? []
  if (name === undefined || partitions === '0') {
    throw new UsageError(`${text} is no topic: give its name and number of partitions, as in orders:3`)
  }
  return { name, partitions: partitions === undefined ? undefined : Number(partitions) }
}

/** What has no `=` is the name of a file. */
function configOf(texts: readonly string[]): Pick<Flags, 'config' | 'configFiles'> {
  const config = new Map<string, string>()
  const configFiles: string[] = []
  for (const text of texts) {
    const equals = text.indexOf('=')
    const name = text.slice(0, Math.max(equals, 0)).trim()
    if (equals === -1) configFiles.push(text)
    else if (name === '') {
      throw new UsageError(`${text} is no config: give its name and value, as in num.partitions=3`)
    } else config.set(name, text.slice(equals + 1))
  }
  return { config: Object.fromEntries(config), configFiles }
}

function logLevelOf(text: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === text.toLowerCase())
  if (level !== undefined) return level
  throw new UsageError(`${text} is no log level: choose one of ${LOG_LEVELS.join(', ')}`)
}
