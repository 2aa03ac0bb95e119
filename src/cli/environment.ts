/** Configs from environment variables, in the notation of Kafka's and Bitnami's container images. */
import { configDefinitions } from '../config/config-definition.ts'
import { nearest } from '../config/nearest.ts'
import { listenerBaseName } from '../config/synonyms.ts'
import type { Setting } from './settings.ts'
import { UsageError } from './usage-error.ts'

/** A topic that KAFKA_CREATE_TOPICS names. */
export interface EnvironmentTopic {
  readonly name: string
  readonly partitions: number | undefined
  readonly config: Readonly<Record<string, string>>
}

export interface EnvironmentSettings {
  readonly settings: readonly Setting[]
  readonly topics: readonly EnvironmentTopic[]
  readonly clusterId: string | undefined
  /** What has no effect, and why. */
  readonly warnings: readonly string[]
}

/** @throws UsageError when KAFKA_CREATE_TOPICS cannot be read. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): EnvironmentSettings {
  const settings = new Map<string, Setting>()
  const warnings: string[] = []
  const ofOthers: string[] = []
  // Bitnami's come after Kafka's and win over them.
  for (const variable of Object.keys(environment).sort(byPrefix)) {
    const value = environment[variable]
    if (value === undefined || !variable.startsWith(PREFIX) || OWN.has(variable)) continue
    if (OF_OTHERS.test(variable)) {
      ofOthers.push(variable)
      continue
    }
    const name = configName(variable)
    if (isKnown(name)) settings.set(name, { name, value, origin: variable })
    else warnings.push(unknown(variable, name))
  }
  if (ofOthers.length > 0) {
    warnings.push(`${ofOthers.join(', ')}: there is no JVM and no ZooKeeper here, so this has no effect`)
  }
  const topics = topicsOf(environment[CREATE_TOPICS] ?? '', warnings)
  const clusterId = CLUSTER_IDS.map((variable) => environment[variable]).find(
    (id) => id !== undefined && id !== '',
  )
  return { settings: [...settings.values()], topics, clusterId, warnings }
}

const PREFIX = 'KAFKA_'
const BITNAMI_PREFIX = 'KAFKA_CFG_'
const CREATE_TOPICS = 'KAFKA_CREATE_TOPICS'

/** By Bitnami's name and by Kafka's, the stronger one first. */
const CLUSTER_IDS = ['KAFKA_KRAFT_CLUSTER_ID', 'CLUSTER_ID']

/** Those that stand for no config and have an effect all the same. */
const OWN: ReadonlySet<string> = new Set([CREATE_TOPICS, ...CLUSTER_IDS])

/** What is meant for the JVM, its logging, ZooKeeper and the scripts around Kafka. */
const OF_OTHERS =
  /^KAFKA_((CFG_)?ZOOKEEPER_.*|HEAP_OPTS|OPTS|GC_LOG_OPTS|JVM_PERFORMANCE_OPTS|JMX_.*|(TOOLS_)?LOG4J_.*|DEBUG|HOME|VERSION)$/

function byPrefix(left: string, right: string): number {
  const rank = (variable: string): number => (variable.startsWith(BITNAMI_PREFIX) ? 1 : 0)
  return rank(left) - rank(right) || (left < right ? -1 : 1)
}

/** `NUM_PARTITIONS` → `num.partitions`: three underscores are a dash, two an underscore, one a dot. */
function configName(variable: string): string {
  const prefix = variable.startsWith(BITNAMI_PREFIX) ? BITNAMI_PREFIX : PREFIX
  return variable
    .slice(prefix.length)
    .toLowerCase()
    .replace(/___|__|_/g, (run) => (run.length === 3 ? '-' : run.length === 2 ? '_' : '.'))
}

function isKnown(name: string): boolean {
  return configDefinitions('broker').has(name) || listenerBaseName(name) !== undefined
}

function unknown(variable: string, name: string): string {
  const meant = nearest(name, configDefinitions('broker').keys())
  const hint = meant === undefined ? '' : `: was ${variableOf(meant)} meant?`
  return `${variable} stands for no broker config that is known (${name}) and has no effect${hint}`
}

function variableOf(name: string): string {
  const marks: Readonly<Record<string, string>> = { '-': '___', _: '__', '.': '_' }
  return PREFIX + name.replace(/[-_.]/g, (mark) => marks[mark] ?? mark).toUpperCase()
}

/** `orders:3:1:compact,payments:1:1`: name, partitions, replicas, cleanup policy. */
function topicsOf(text: string, warnings: string[]): EnvironmentTopic[] {
  return text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [, name, partitions, replicas, policy] =
        /^([^:\s]+)(?::(\d{1,6})(?::(\d{1,4})(?::([a-z,]+))?)?)?$/.exec(entry) ?? []
      if (name === undefined || partitions === '0') {
        throw new UsageError(
          `${CREATE_TOPICS}: ${entry} is no topic: give its name, partitions and replicas, as in orders:3:1`,
        )
      }
      if (replicas !== undefined && Number(replicas) > 1) {
        warnings.push(`${CREATE_TOPICS}: ${name} gets 1 replica instead of ${replicas}: there is one broker`)
      }
      const count = partitions === undefined ? undefined : Number(partitions)
      return { name, partitions: count, config: policy === undefined ? {} : { 'cleanup.policy': policy } }
    })
}
