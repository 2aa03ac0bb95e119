/** What a case is, and what it is given to work with. */
import type { Api } from '../../src/wire/message.ts'
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { describeGroupsApi } from '../../src/wire/messages/describe-groups.ts'
import { endTxnApi } from '../../src/wire/messages/end-txn.ts'
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { initProducerIdApi } from '../../src/wire/messages/init-producer-id.ts'
import { listOffsetsApi } from '../../src/wire/messages/list-offsets.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { asAnswered } from './answer.ts'
import { type Complete, Connection, ConnectionClosed, decodeAnswer, type Partially } from './client.ts'

/** A broker to ask. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** One pair of an API and a condition. What `run` returns is what is compared. */
export interface Case {
  readonly api: string
  readonly condition: string
  readonly run: (t: CaseContext) => Promise<unknown>
  /** Whether it changes what others see, or they what it sees: it runs behind all others, by itself. */
  readonly alone: boolean
}

export interface TopicOptions {
  readonly partitions?: number
  readonly configs?: Readonly<Record<string, string>>
}

export interface Topic {
  readonly name: string
  readonly topicId: string
}

const registered: Case[] = []

/** Adds a case to the suite. */
export function differential(api: string, condition: string, run: Case['run'], alone = false): void {
  const slug = slugOf(api, condition)
  const twin = registered.find((one) => slugOf(one.api, one.condition) === slug)
  if (twin !== undefined) throw new Error(`${api}: ${condition} and ${twin.condition} have one name`)
  registered.push({ api, condition, run, alone })
}

/** A case's name as a part of a topic's. */
function slugOf(api: string, condition: string): string {
  return `${api} ${condition}`.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}

/** Every case that the imported files have added. */
export function cases(): readonly Case[] {
  return registered
}

const POLL_MS = 40
const POLL_LIMIT_MS = 60_000

/** The tools of one case on one broker. Everything it makes carries the case's own name, so that cases can run side by side. */
export class CaseContext {
  /** `Api version` of everything that was sent and is part of the case, not of its setting up. */
  readonly sent: Set<string> = new Set()
  readonly target: Target
  readonly #slug: string
  readonly #connections: Connection[] = []
  #main: Promise<Connection> | undefined
  #helper: Promise<Connection> | undefined

  constructor(one: Case, target: Target) {
    this.target = target
    this.#slug = slugOf(one.api, one.condition)
  }

  /** A name for a topic, a group or anything else that no other case uses. */
  name(suffix: string): string {
    return `${this.#slug}.${suffix}`
  }

  /** A connection of its own, closed when the case ends. */
  async connect(clientId: string | null = 'diff'): Promise<Client> {
    return new Client(await this.#open(clientId), this.sent)
  }

  /** Asks on the case's first connection. */
  async send<Req, Res>(api: Api<Req, Res>, version: number, request: Partially<Req>): Promise<Complete<Res>> {
    this.#main ??= this.#open('diff')
    return new Client(await this.#main, this.sent).send(api, version, request)
  }

  /** Creates a topic and waits until its partitions can be used. */
  async topic(suffix: string, options: TopicOptions = {}): Promise<Topic> {
    const name = this.name(suffix)
    const configs = Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value }))
    const numPartitions = options.partitions ?? 1
    const topic = { name, numPartitions, replicationFactor: 1, configs }
    const helper = await this.#help()
    const created = await helper.send(createTopicsApi, 5, { topics: [topic], timeoutMs: 30_000 })
    const errorCode = created.topics[0]?.errorCode
    if (errorCode !== 0)
      throw new Error(`cannot create ${name}: ${errorCode} ${created.topics[0]?.errorMessage}`)
    return this.ready(name, numPartitions)
  }

  /** Waits until the topic's partitions can be used. */
  async ready(name: string, partitions: number): Promise<Topic> {
    const helper = await this.#help()
    const indexes = Array.from({ length: partitions }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: -2n,
    }))
    let topicId = ''
    await this.poll(`topic ${name}`, async () => {
      const metadata = await helper.send(metadataApi, 12, {
        topics: [{ name }],
        allowAutoTopicCreation: false,
      })
      const topic = metadata.topics[0]
      if (topic?.errorCode !== 0 || topic.partitions.length < partitions) return false
      topicId = topic.topicId
      const offsets = await helper.send(listOffsetsApi, 5, {
        replicaId: -1,
        topics: [{ name, partitions: indexes }],
      })
      return offsets.topics.every((one) => one.partitions.every((partition) => partition.errorCode === 0))
    })
    return { name, topicId }
  }

  /** Waits until a topic is gone. */
  async gone(name: string): Promise<void> {
    const helper = await this.#help()
    await this.poll(`${name} to be gone`, async () => {
      const metadata = await helper.send(metadataApi, 12, {
        topics: [{ name }],
        allowAutoTopicCreation: false,
      })
      return metadata.topics[0]?.errorCode === 3
    })
  }

  /** The name of a group whose coordinator is at work. */
  async group(suffix: string): Promise<string> {
    const group = this.name(suffix)
    await this.coordinator(group)
    return group
  }

  /** Waits until the coordinator of a group is at work. */
  async coordinator(group: string): Promise<void> {
    const helper = await this.#help()
    await this.poll(`coordinator of ${group}`, async () => {
      const found = await helper.send(findCoordinatorApi, 0, { key: group })
      if (found.errorCode !== 0) return false
      const described = await helper.send(describeGroupsApi, 0, { groups: [group] })
      return described.groups[0]?.errorCode === 0
    })
  }

  /** A transactional id whose coordinator is at work. */
  async transactionalId(suffix: string): Promise<string> {
    const key = this.name(suffix)
    const helper = await this.#help()
    await this.poll(`coordinator of ${key}`, async () => {
      const found = await helper.send(findCoordinatorApi, 1, { key, keyType: 1 })
      if (found.errorCode !== 0) return false
      const ended = await helper.send(endTxnApi, 1, {
        transactionalId: key,
        producerId: 1n,
        producerEpoch: 0,
        committed: false,
      })
      return ended.errorCode !== 14 && ended.errorCode !== 15 && ended.errorCode !== 16
    })
    await this.producerIds()
    return key
  }

  /** Waits until producer ids are there to be given: Kafka's broker asks its controller for them. */
  async producerIds(): Promise<void> {
    const helper = await this.#help()
    await this.poll('producer ids', async () => {
      const given = await helper.send(initProducerIdApi, 4, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      })
      return given.errorCode === 0
    })
  }

  /** Sets a case up by producing; fails when the broker does not take it. Returns the base offset. */
  async produce(topic: Topic | string, partition: number, records: Buffer): Promise<bigint> {
    const helper = await this.#help()
    const name = typeof topic === 'string' ? topic : topic.name
    const topicData = [{ name, partitionData: [{ index: partition, records }] }]
    const answer = await helper.send(produceApi, 9, { acks: -1, timeoutMs: 10_000, topicData })
    const done = answer.responses[0]?.partitionResponses[0]
    if (done?.errorCode !== 0)
      throw new Error(`cannot produce to ${name}: ${done?.errorCode} ${done?.errorMessage}`)
    return done.baseOffset
  }

  /** A connection for what only sets the case up: what it sends counts for nothing. */
  async helper(): Promise<Connection> {
    return this.#help()
  }

  /** Asks `condition` until it holds. */
  async poll(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadlineMs = Date.now() + POLL_LIMIT_MS
    while (!(await condition())) {
      if (Date.now() > deadlineMs) throw new Error(`waited in vain for ${what}`)
      await pause(POLL_MS)
    }
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }

  #help(): Promise<Connection> {
    this.#helper ??= this.#open('helper')
    return this.#helper
  }

  async #open(clientId: string | null): Promise<Connection> {
    const connection = await Connection.open(this.target.host, this.target.port, clientId)
    this.#connections.push(connection)
    return connection
  }
}

/** A connection whose answers know where they come from, so that masks find their fields. */
export class Client {
  readonly raw: Connection
  readonly #sent: Set<string>

  constructor(connection: Connection, sent: Set<string>) {
    this.raw = connection
    this.#sent = sent
  }

  /** @throws ConnectionClosed */
  async send<Req, Res>(api: Api<Req, Res>, version: number, request: Partially<Req>): Promise<Complete<Res>> {
    this.#sent.add(`${api.name} ${version}`)
    return asAnswered(api.name, version, await this.raw.send(api, version, request))
  }

  /**
   * Sends a frame as it is, and reads its answer as one of this API and version; `trailing` bytes that are left
   * over fail the case.
   * @throws ConnectionClosed
   */
  async sendFrame<Req, Res>(bytes: Buffer, api: Api<Req, Res>, version: number): Promise<Complete<Res>> {
    return asAnswered(api.name, version, decodeAnswer(api, version, await this.raw.sendRaw(bytes)).response)
  }
}

/** The answer, or the word that there was none: the broker closed the connection. */
export async function orClosed<T>(answer: Promise<T>): Promise<T | 'connection closed'> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ConnectionClosed) return 'connection closed'
    throw error
  }
}

export function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs))
}
