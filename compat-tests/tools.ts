/**
 * Which clients can run here. Those that are no npm packages are installed by .ci/install-tools; where one is
 * missing its tests are skipped, with the reason in their title, unless OTTLA_REQUIRE_TOOLS=1 forbids it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'vitest'

export interface Tool {
  /** The program and the arguments that come before all others. */
  readonly command: readonly [program: string, ...prefix: string[]]
  /** Why it cannot run here, or undefined when it can. */
  readonly missing: string | undefined
  /** Whether it is missing for a reason that nothing that could be installed would mend. */
  readonly cannotRun?: boolean
}

export const root: string = join(import.meta.dirname, '..')

const tools = join(root, '.tools')
const INSTALL = 'run .ci/install-tools'
const CONFLUENT_JAVASCRIPT =
  'confluent-kafka-javascript/node_modules/@confluentinc/kafka-javascript/build/Release/confluent-kafka-javascript.node'

export const kcat: Tool = tool(['kcat'], () =>
  runs('kcat', '-V') ? undefined : `kcat is not installed: ${INSTALL}`,
)

export const python: Tool = pythonWith('confluent_kafka', 'confluent-kafka')

/** Python where `module` of the package `name` can be imported. */
export function pythonWith(module: string, name: string): Tool {
  const program = join(tools, 'python/bin/python')
  // -B: nothing is written beside the sources.
  return tool([program, '-B'], () =>
    runs(program, '-c', `import ${module}`) ? undefined : `${name} is not installed: ${INSTALL}`,
  )
}

/** The Node that @platformatic/kafka wants. */
const newerNode = join(tools, 'platformatic-kafka/node_modules/node/bin/node')

export const platformaticKafka: Tool = tool([newerNode], () =>
  runs(newerNode, '--version') ? undefined : `@platformatic/kafka is not installed: ${INSTALL}`,
)

export const confluentJavascript: Tool = tool([process.execPath], () =>
  existsSync(join(tools, CONFLUENT_JAVASCRIPT)) ? undefined : `its native part is not built: ${INSTALL}`,
)

/** The program in Go that is built from the folder of its name. */
export function goProgram(folder: string): Tool {
  const program = join(tools, 'bin', folder)
  return tool([program], () =>
    existsSync(program) ? undefined : `the ${folder} program is not built: ${INSTALL}`,
  )
}

const libs = join(tools, 'java/libs')
const classes = join(tools, 'java/classes')

// Short-lived programs: without the optimizing compiler the JVM starts in half the time.
const javaOptions = [
  ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m'],
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=off',
]

export const java: Tool = tool(['java', ...javaOptions, '-cp', `${libs}/*:${classes}`], missingJava)

/** Apache Kafka itself, from the jars in `javaLibs`. */
export const javaServer: Tool = tool(['java'], missingJava)

export const javaLibs: string = libs

/** Our programs in Java with a client of another version than the tests' own. */
export function javaWithClient(version: string): Tool {
  const client = join(tools, `java/consoles/kafka-clients-${version}.jar`)
  const missing = (): string | undefined =>
    missingJava() ??
    (existsSync(client) ? undefined : `Apache Kafka's client ${version} is not there: ${INSTALL}`)
  if (missing() !== undefined) return tool(['java'], missing)
  const others = readdirSync(libs).filter((name) => !name.startsWith('kafka'))
  const classpath = [client, ...others.map((name) => join(libs, name)), classes]
  return tool(['java', ...javaOptions, '-cp', classpath.join(':')], missing)
}

/** Our program with a version of Kafka Streams. */
export function streams(version: string): Tool {
  const folder = join(tools, 'streams', version)
  const classpath = `${folder}/libs/*:${folder}/classes`
  return tool(['java', ...javaOptions, '-cp', classpath], () => {
    if (!runs('java', '-version')) return `java is not installed: ${INSTALL}`
    return existsSync(join(folder, 'classes/WordCount.class'))
      ? undefined
      : `Kafka Streams ${version} is not there: ${INSTALL}`
  })
}

/** `describe` for tests that need `tool`: skipped, with the reason in the title, where it is not there. */
export function describeWith(tool: Tool, title: string, body: () => void): void {
  if (tool.missing === undefined) {
    describe(title, body)
    return
  }
  const reason = tool.missing
  const { OTTLA_REQUIRE_TOOLS } = process.env
  if (OTTLA_REQUIRE_TOOLS === '1' && tool.cannotRun !== true) {
    test(title, () => {
      throw new Error(`${reason} (OTTLA_REQUIRE_TOOLS=1 lets no client be missing)`)
    })
    return
  }
  console.warn(`${title}: skipped, ${reason}`)
  describe.runIf(false)(`${title} (skipped: ${reason})`, body)
}

/** Compiles the Java programs again if one has changed since. @throws Error when they do not compile. */
export function compileJava(): void {
  const sources = sourcesIn('java', '.java')
  if (!sources.some((path) => newer(path, join(classes, basename(path, '.java').concat('.class'))))) return
  // Another worker's JVM may be loading them: each class changes at once.
  const fresh = mkdtempSync(join(tools, 'java/classes-'))
  build('javac', ['-nowarn', '-cp', `${libs}/*`, '-d', fresh, ...sources], 'java')
  for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(classes, name))
  rmSync(fresh, { recursive: true })
}

/** Compiles our program for a version of Kafka Streams again if it has changed since. @throws Error when it does not compile. */
export function compileStreams(version: string): void {
  const folder = join(tools, 'streams', version)
  const sources = sourcesIn('streams', '.java')
  if (!sources.some((path) => newer(path, join(folder, 'classes/WordCount.class')))) return
  build('javac', ['-nowarn', '-cp', `${folder}/libs/*`, '-d', join(folder, 'classes'), ...sources], 'streams')
}

/** Builds the Go program of `folder` again if it has changed since. @throws Error when it cannot be built. */
export function buildGo(folder: string): void {
  const [program] = goProgram(folder).command
  const sources = [...sourcesIn(folder, '.go'), ...sourcesIn('go-harness', '.go')]
  if (!sources.some((path) => newer(path, program))) return
  build('go', ['build', '-o', program, '.'], folder)
}

function sourcesIn(folder: string, extension: string): string[] {
  const path = join(import.meta.dirname, folder)
  return readdirSync(path)
    .filter((name) => name.endsWith(extension))
    .map((name) => join(path, name))
}

function newer(path: string, than: string): boolean {
  const changedMs = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return changedMs(path) > changedMs(than)
}

function build(program: string, args: readonly string[], folder: string): void {
  const built = spawnSync(program, args, { cwd: join(import.meta.dirname, folder), encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`${program}: ${built.error?.message ?? built.stderr}`)
}

/** A tool that is looked for when somebody asks whether it is missing: most tests need only one. */
function tool(command: Tool['command'], look: () => string | undefined): Tool {
  let found: { readonly missing: string | undefined } | undefined
  return {
    command,
    get missing() {
      found ??= { missing: look() }
      return found.missing
    },
  }
}

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}

function missingJava(): string | undefined {
  if (!runs('java', '-version')) return `java is not installed: ${INSTALL}`
  if (!existsSync(libs) || !existsSync(classes)) return `Apache Kafka's jars are not there: ${INSTALL}`
  return readdirSync(classes).length === 0 ? `the Java programs are not compiled: ${INSTALL}` : undefined
}
