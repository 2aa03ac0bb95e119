/** What a cluster can be told when it starts. */
import type { Logger } from 'pino'
import type { Clock, Random } from './clock.ts'
import type { RequestRecord } from './server/dispatch.ts'
import type { LogStore } from './storage/log-store.ts'

/** A topic to have from the start. */
export interface TopicOptions {
  readonly name: string
  /** 1 when left out. */
  readonly partitions?: number | undefined
  /** Kafka's topic configs, each as text: `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string>> | undefined
}

export interface ClusterOptions {
  /** The port to listen on; 0, the default, for any free one. Not together with the config `listeners`. */
  readonly port?: number | undefined
  /** The address to listen on; `localhost`, which is 127.0.0.1 and ::1, when left out. `*` for all. */
  readonly host?: string | undefined
  /** Topics to create before anybody can connect: a name stands for a topic of one partition. */
  readonly topics?: readonly (string | TopicOptions)[] | undefined
  /** Kafka's broker configs, each as text: `{ 'auto.create.topics.enable': 'false' }`. */
  readonly config?: Readonly<Record<string, string>> | undefined
  /**
   * What time it is, and when timers fire; the machine's clock when left out. With a `ManualClock` time stands still
   * until a test moves it; what clients do by time, long polls included, goes by the machine's clock all the same.
   */
  readonly clock?: Clock | undefined
  /**
   * The directory to keep everything in, in Kafka's own format; made where there is none. In memory when left out, unless
   * the config log.dirs names one.
   */
  readonly dataDir?: string | undefined
  /** The cluster that the data directory has to belong to; what a new one gets. 16 bytes as base64url. */
  readonly clusterId?: string | undefined
  /** Where ids come from; the machine's randomness when left out. */
  readonly random?: Random | undefined
  /** What is logged to the standard error output, as JSON: `error` and worse when left out. Not together with a logger. */
  readonly logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent' | undefined
  /** Where the log goes in place of the standard error output: a pino logger. */
  readonly logger?: Logger | undefined
  /** Whether the cluster keeps the process alive. A test runner never waits for one that was not stopped. */
  readonly keepAlive?: boolean | undefined
  /** Called for each request before it is answered: who asks for what. */
  readonly onRequest?: ((request: RequestRecord) => void) | undefined
}

/** What a cluster is made of beside its options: for tests that have to see inside. */
export interface BrokerOptions extends ClusterOptions {
  /** Where the logs are kept; where the other options say when left out. Whoever gives it closes it. */
  readonly store?: LogStore | undefined
  /** What clients live by; the broker's clock when left out. */
  readonly clientClock?: Clock | undefined
}
