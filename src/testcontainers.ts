/** `ottla/testcontainers`: ottla's container image in a test, in the manner of the package testcontainers. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import {
  AbstractStartedContainer,
  type BoundPorts,
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
  Wait,
  type WaitStrategy,
} from 'testcontainers'

/** A topic to have from the start. */
export interface ContainerTopic {
  readonly name: string
  /** 1 when left out. */
  readonly partitions?: number | undefined
  /** Kafka's topic configs: `{ 'cleanup.policy': 'compact' }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** For clients outside of the container: reached, and told, by the published port. */
const OUTER_PORT = 9093
/** For clients in other containers on the same network. */
const INNER_PORT = 9092
const DATA_DIR = '/var/lib/kafka/data'
const START_SCRIPT = '/tmp/ottla_start.sh'
const READY = 'Kafka Server started'

/**
 * A container that runs ottla, to be started:
 *
 *     await using kafka = await new OttlaContainer().withTopics('orders').start()
 *     const client = new Kafka({ brokers: [kafka.getBootstrapServers()] })
 *
 * Other containers on the same network reach it as `alias:9092`, after `withNetwork(network)` and
 * `withNetworkAliases('alias')`. Where it listens is settled: leave the config listeners and its kin alone. What
 * `withCommand` is given are options of the program `ottla`.
 */
export class OttlaContainer extends GenericContainer {
  #waitStrategy: WaitStrategy = Wait.forLogMessage(READY)
  #dataDir: string | undefined
  #topics: readonly ContainerTopic[] = []
  #options: readonly string[] = []

  /** @param image by default the one of this package's version: `ottla:1.2.3`. */
  constructor(image: string = `ottla:${version()}`) {
    super(image)
    this.withExposedPorts(OUTER_PORT)
    this.withEnvironment({
      KAFKA_LISTENERS: `PLAINTEXT://:${OUTER_PORT},BROKER://:${INNER_PORT}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'BROKER',
    })
  }

  /** Topics to create before `start()` resolves: a name stands for a topic of one partition. */
  withTopics(...topics: readonly (string | ContainerTopic)[]): this {
    const described = topics.map((topic) => (typeof topic === 'string' ? { name: topic } : topic))
    this.#topics = [...this.#topics, ...described]
    return this
  }

  /** Kafka's broker configs: `{ 'auto.create.topics.enable': false }`. */
  withConfig(config: Readonly<Record<string, string | number | boolean>>): this {
    for (const [name, value] of Object.entries(config)) {
      this.withEnvironment({ [variableOf(name)]: `${value}` })
    }
    return this
  }

  /**
   * A directory of the machine that runs the containers, to keep everything in, in Kafka's own format: another
   * container finds it there. Made where there is none. The broker runs as the user who runs the test, so that either
   * can read what the other wrote.
   */
  withDataDir(directory: string): this {
    this.#dataDir = resolve(directory)
    return this
  }

  override withCommand(options: string[]): this {
    this.#options = options
    return this
  }

  override withWaitStrategy(strategy: WaitStrategy): this {
    this.#waitStrategy = strategy
    return this
  }

  override async start(): Promise<StartedOttlaContainer> {
    return new StartedOttlaContainer(await super.start())
  }

  protected override async beforeContainerCreated(): Promise<void> {
    const plain = this.#topics.filter(({ config }) => config === undefined)
    if (plain.length > 0) this.withEnvironment({ KAFKA_CREATE_TOPICS: plain.map(asText).join(',') })
    if (this.#dataDir !== undefined) this.#mount(this.#dataDir)
    // The published port is known only when the container runs: until it is told, it waits.
    super.withCommand(['sh', '-c', WAIT_FOR_SCRIPT, 'sh', ...this.#options])
    const inner = this.networkAliases[0] ?? '$(hostname)'
    this.waitStrategy = new AdvertiseAndWait(inner, this.#waitStrategy)
  }

  protected override async containerStarted(container: StartedTestContainer): Promise<void> {
    try {
      for (const topic of this.#topics) {
        if (topic.config !== undefined) await createTopic(container, topic)
      }
    } catch (error) {
      // Whoever started it never hears of it.
      await container.stop()
      throw error
    }
  }

  #mount(directory: string): void {
    mkdirSync(directory, { recursive: true })
    const binds = (this.hostConfig.Binds ?? []).filter((bind) => !bind.endsWith(`:${DATA_DIR}`))
    this.hostConfig.Binds = [...binds, `${directory}:${DATA_DIR}`]
    const user = process.getuid?.()
    // The image lets any user of group 0 do what its own one may.
    if (user !== undefined && this.createOpts.User === undefined) this.withUser(`${user}:0`)
  }
}

/** A running OttlaContainer. `await using` stops and removes it at the end of the block. */
export class StartedOttlaContainer extends AbstractStartedContainer {
  /** What to give to a client in this process: `host:port`. Asked again after a restart, since the port changes. */
  getBootstrapServers(): string {
    return `${bracketed(this.getHost())}:${this.getMappedPort(OUTER_PORT)}`
  }
}

// Removed when it is run: after a restart, the published port is another one.
const WAIT_FOR_SCRIPT: string = `while [ ! -f ${START_SCRIPT} ]; do sleep 0.1; done; . ${START_SCRIPT}`

/** Puts into the container what it waits for, then waits as it was told to: at a start and at each restart. */
class AdvertiseAndWait implements WaitStrategy {
  readonly #inner: string
  readonly #strategy: WaitStrategy

  constructor(inner: string, strategy: WaitStrategy) {
    this.#inner = inner
    this.#strategy = strategy
  }

  async waitUntilReady(
    container: Parameters<WaitStrategy['waitUntilReady']>[0],
    boundPorts: BoundPorts,
    startTime?: Date,
  ): Promise<void> {
    const client = await getContainerRuntimeClient()
    const outer = `${bracketed(client.info.containerRuntime.host)}:${boundPorts.getBinding(OUTER_PORT)}`
    const script = startScript(`PLAINTEXT://${outer},BROKER://${this.#inner}:${INNER_PORT}`)
    // Moved into its place, so that it is never seen half written.
    const put = `printf %s "$1" > ${START_SCRIPT}.new && mv ${START_SCRIPT}.new ${START_SCRIPT}`
    const { exitCode, output } = await client.container.exec(container, ['sh', '-c', put, 'sh', script])
    if (exitCode !== 0) throw new Error(`The start script could not be put into the container: ${output}`)
    await this.#strategy.waitUntilReady(container, boundPorts, startTime)
  }

  withStartupTimeout(startupTimeoutMs: number): this {
    this.#strategy.withStartupTimeout(startupTimeoutMs)
    return this
  }

  isStartupTimeoutSet(): boolean {
    return this.#strategy.isStartupTimeoutSet()
  }

  getStartupTimeout(): number {
    return this.#strategy.getStartupTimeout()
  }
}

function startScript(advertised: string): string {
  const lines = [
    `rm -f ${START_SCRIPT}`,
    `export KAFKA_ADVERTISED_LISTENERS="${advertised}"`,
    // In the place of the shell: process 1 gets the signals.
    'exec /etc/kafka/docker/run "$@"',
  ]
  return lines.join('\n').concat('\n')
}

/** As KAFKA_CREATE_TOPICS wants it. */
function asText({ name, partitions = 1 }: ContainerTopic): string {
  return `${name}:${partitions}:1`
}

async function createTopic(container: StartedTestContainer, topic: ContainerTopic): Promise<void> {
  const configs = Object.entries(topic.config ?? {}).flatMap(([name, value]) => [
    '--config',
    `${name}=${value}`,
  ])
  const { exitCode, output } = await container.exec([
    ...['/opt/kafka/bin/kafka-topics.sh', '--bootstrap-server', `localhost:${INNER_PORT}`],
    ...['--create', '--topic', topic.name, '--partitions', `${topic.partitions ?? 1}`, ...configs],
  ])
  if (exitCode !== 0) throw new Error(`The topic ${topic.name} could not be created: ${output.trim()}`)
}

/** The variable that stands for a broker config in Kafka's container image. */
function variableOf(name: string): string {
  return `KAFKA_${name.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_').toUpperCase()}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function version(): string {
  // The file for those who can but `require` lies one folder deeper than the others.
  const paths = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url))
  return JSON.parse(readFileSync(paths.find(existsSync) ?? '', 'utf8')).version
}
