/** The program `ottla`: reads the command line, runs a cluster until it is told to stop. */
import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { type Flags, parseArguments } from './cli/arguments.ts'
import { HELP } from './cli/help.ts'
import { stopOnSignal } from './cli/stop-on-signal.ts'
import { systemClock } from './clock.ts'
import type { Cluster } from './index.ts'

const EXIT_FAILURE = 1
const EXIT_USAGE = 2

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2)
  // They ask a broker, and take the options of Kafka's own tools.
  if (first === 'topics') {
    const { topics } = await import('./cli/topics.ts')
    process.exitCode = await topics(rest, print)
    return
  }
  if (first === 'api-versions') {
    const { apiVersions } = await import('./cli/api-versions.ts')
    await apiVersions(rest, print, process.env)
    return
  }
  const command = parseArguments(process.argv.slice(2))
  switch (command.kind) {
    case 'help':
      print(HELP)
      break
    case 'version':
      print(`${version()}\n`)
      break
    case 'start':
      await start(command.flags)
  }
}

function print(text: string): void {
  // Whoever read it may have gone: `ottla --help | head -1`.
  process.stdout.on('error', () => {})
  process.stdout.write(text)
}

async function start(flags: Flags): Promise<void> {
  const [{ startOptions }, { makeLogger }, { afterStart }, { startCluster }] = await Promise.all([
    import('./cli/settings.ts'),
    import('./cli/logger.ts'),
    import('./cli/after-start.ts'),
    import('./index.ts'),
  ])
  const { warnings, ...options } = startOptions(flags, process.env)
  const logger = await makeLogger(flags.logLevel, isatty(1))
  for (const warning of warnings) logger.warn(warning)
  let cluster: Cluster | undefined
  const onSignal = stopOnSignal({
    cluster: () => cluster,
    exit: (code) => process.exit(code),
    fail,
    logger,
    clock: systemClock,
  })
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  cluster = await startCluster({ ...options, logger, keepAlive: true })
  logger.info(`ottla ${version()} is ready: bootstrap servers ${cluster.bootstrapServers}`)
  // What the tools wait for that start Kafka's containers: the lines that Kafka says when it is ready.
  const nodeId = options.config['node.id'] ?? options.config['broker.id'] ?? '1'
  logger.info(`[KafkaServer id=${nodeId}] started (Kafka Server started)`)
  logger.info('The broker has been unfenced. Transitioning from RECOVERY to RUNNING.')
  afterStart(logger)
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return JSON.parse(text).version
}

/** Says what is wrong in one line where the user can mend it, and with the whole stack where we have to. */
function fail(error: unknown): void {
  const known = error instanceof Error && MENDABLE.has(error.name)
  process.stderr.write(`ottla: ${known ? error.message : describe(error)}\n`)
  const isUsage = known && !NOT_USAGE.has(error.name)
  if (isUsage) process.stderr.write('Run "ottla --help" for the options.\n')
  process.exit(isUsage ? EXIT_USAGE : EXIT_FAILURE)
}

/**
 * Errors whose message says what the user can do. By name: the modules that define them are loaded only when a
 * cluster starts. A KafkaError is about a topic that was asked for.
 */
const MENDABLE: ReadonlySet<string> = new Set([
  'ClientError',
  'UsageError',
  'ConfigError',
  'ListenError',
  'DataDirError',
  'KafkaError',
])

/** Those that no other command line would mend. */
const NOT_USAGE: ReadonlySet<string> = new Set(['ClientError', 'ListenError', 'DataDirError'])

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

main().catch(fail)
