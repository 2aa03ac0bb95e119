/**
 * Clients that push their own metrics to the broker (KIP-714): which metrics each is asked for, and whether it pushes
 * them when it should. Nobody receives what they push. Checks, their order and what they remember follow Kafka's.
 */
import type { Clock, Random } from '../clock.ts'
import {
  type ClientMetricsSubscription,
  clientMetricsSubscription,
  DEFAULT_PUSH_INTERVAL_MS,
} from '../config/client-metrics-config.ts'
import { decompress } from '../wire/compression.ts'
import { crc32c } from '../wire/crc32c.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { javaHashCode, javaHashMapOrder, placesFor } from './java-hash-order.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord } from './metadata.ts'
import { randomUuid } from './random-uuid.ts'

/** What subscriptions can ask for of a client, and the connection that it asks over. */
export interface MetricsClient {
  readonly clientId: string | null
  /** As Kafka prints it in group descriptions: `/127.0.0.1`. */
  readonly clientHost: string
  readonly clientPort: number
  /** `name/version`; null while the client has told neither. */
  readonly clientSoftware: string | null
  readonly connectionId: string
  /** Aborted when the connection goes away. */
  readonly signal: AbortSignal
}

/** What a client is to push. */
export interface TelemetrySubscription {
  readonly clientInstanceId: string
  /** Another one for each selection of metrics and each interval. */
  readonly subscriptionId: number
  readonly pushIntervalMs: number
  readonly metrics: readonly string[]
}

/** What a client pushes. */
export interface TelemetryPush {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  readonly terminating: boolean
  readonly compressionType: number
  readonly metrics: Buffer
}

export interface ClientMetricsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly metadata: Pick<Metadata, 'configs' | 'configuredResources'>
  /** telemetry.max.bytes. */
  readonly maxBytes: number
}

/** No more clients are known at once; the least recently heard of is forgotten first. */
export const MAX_INSTANCES = 16_384

export class ClientMetrics {
  /** telemetry.max.bytes. */
  readonly maxBytes: number
  readonly #options: ClientMetricsOptions
  /** By client instance id, the least recently heard of first. */
  readonly #instances = new Map<string, Instance>()
  /** The client instance that was last made over a connection, by the connection's id. */
  readonly #made = new Map<string, string>()
  /** Connections whose end will be noticed. */
  readonly #watched = new WeakSet<AbortSignal>()
  /** Counts the changes of subscriptions. */
  #version = 0
  #subscriptions: readonly ClientMetricsSubscription[] | undefined

  constructor(options: ClientMetricsOptions) {
    this.#options = options
    this.maxBytes = options.maxBytes
  }

  /** How many clients are known. */
  get size(): number {
    return this.#instances.size
  }

  /** Acts on records that the metadata holds already: what they change of subscriptions is in force at once. */
  follow(records: readonly MetadataRecord[]): void {
    for (const { name, value } of records) {
      if (name !== 'ConfigRecord' || value.resourceType !== ConfigResourceType.CLIENT_METRICS) continue
      this.#version++
      this.#subscriptions = undefined
    }
  }

  /**
   * What a client is to push.
   * @param clientInstanceId the zero id gets a new one.
   * @throws KafkaError THROTTLING_QUOTA_EXCEEDED when it asks again before its push interval is over.
   */
  subscriptionOf(clientInstanceId: string, client: MetricsClient): TelemetrySubscription {
    const nowMs = this.#options.clock.now()
    const id = clientInstanceId === ZERO_UUID ? this.#newId() : clientInstanceId
    const instance = this.#instance(id, client, nowMs)
    const { pushIntervalMs } = instance.subscription
    if (nowMs - Math.max(instance.askedMs, instance.pushedMs) >= pushIntervalMs) instance.askedMs = nowMs
    else if (!ASK_AGAIN.includes(instance.lastError)) throw tooSoon(id, pushIntervalMs)
    instance.lastError = ErrorCode.NONE
    return instance.subscription
  }

  /**
   * Takes what a client pushes, and waits only while something large is decompressed.
   * @throws KafkaError, or rejects with it: INVALID_REQUEST, THROTTLING_QUOTA_EXCEEDED, UNKNOWN_SUBSCRIPTION_ID,
   * UNSUPPORTED_COMPRESSION_TYPE, TELEMETRY_TOO_LARGE, or INVALID_RECORD for what does not decompress.
   */
  push(push: TelemetryPush, client: MetricsClient): void | Promise<void> {
    const { clientInstanceId, terminating, compressionType, metrics } = push
    if (RESERVED.includes(clientInstanceId)) {
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `${clientInstanceId} is no client instance id`)
    }
    const nowMs = this.#options.clock.now()
    const instance = this.#instance(clientInstanceId, client, nowMs)
    const error = refusal(instance, push, this.maxBytes, nowMs)
    instance.terminating = terminating
    instance.lastError = error?.code ?? ErrorCode.NONE
    if (error !== undefined) throw error
    return metrics.length === 0 ? undefined : checkContent(compressionType, metrics, this.maxBytes)
  }

  #newId(): string {
    for (;;) {
      const id = randomUuid(this.#options.random)
      if (!this.#instances.has(id) && !RESERVED.includes(id)) return id
    }
  }

  /** What is known of a client, which starts anew when subscriptions have changed. */
  #instance(id: string, client: MetricsClient, nowMs: number): Instance {
    let instance = this.#instances.get(id)
    if (instance !== undefined && nowMs >= instance.expiresMs) {
      this.#made.delete(instance.connectionId)
      instance = undefined
    }
    if (instance === undefined || instance.version < this.#version) {
      instance = this.#make(id, instance?.attributes ?? attributesOf(id, client))
      this.#remember(client, id)
    }
    instance.connectionId = client.connectionId
    instance.expiresMs = nowMs + Math.max(MIN_EXPIRY_MS, 3 * instance.subscription.pushIntervalMs)
    this.#instances.delete(id)
    this.#instances.set(id, instance)
    if (this.#instances.size > MAX_INSTANCES) {
      const [oldest = ''] = this.#instances.keys()
      this.#instances.delete(oldest)
    }
    return instance
  }

  #make(id: string, attributes: Attributes): Instance {
    this.#subscriptions ??= subscriptionsIn(this.#options.metadata)
    const matching = this.#subscriptions.filter(({ matches }) =>
      [...matches].every(([selector, expression]) => expression.test(attributes[selector] ?? '')),
    )
    const pushIntervalMs = Math.min(DEFAULT_PUSH_INTERVAL_MS, ...matching.map(({ intervalMs }) => intervalMs))
    const all = new Set(matching.flatMap(({ metrics }) => metrics))
    const metrics = all.has('*') ? ['*'] : javaHashMapOrder(all, javaHashCode)
    const subscriptionId = subscriptionIdOf(id, metrics, pushIntervalMs)
    return {
      attributes,
      version: this.#version,
      subscription: { clientInstanceId: id, subscriptionId, pushIntervalMs, metrics },
      connectionId: '',
      expiresMs: 0,
      askedMs: 0,
      pushedMs: 0,
      terminating: false,
      lastError: ErrorCode.NONE,
    }
  }

  /** A client instance goes with the connection that it was made over. */
  #remember({ connectionId, signal }: MetricsClient, id: string): void {
    if (signal.aborted) return
    this.#made.set(connectionId, id)
    if (this.#watched.has(signal)) return
    this.#watched.add(signal)
    const forget = (): void => {
      const made = this.#made.get(connectionId)
      if (made === undefined) return
      this.#made.delete(connectionId)
      this.#instances.delete(made)
    }
    signal.addEventListener('abort', forget, { once: true })
  }
}

/** A client instance is known for at least so long after it was last heard of. */
const MIN_EXPIRY_MS = 60_000

/** After these a client has to ask for its subscription anew, at once. */
const ASK_AGAIN: readonly ErrorCode[] = [
  ErrorCode.UNKNOWN_SUBSCRIPTION_ID,
  ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
]

/** The ids 0 and 1. */
const RESERVED: readonly string[] = [ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ']

/** The compression types of record batches, none among them. */
const LAST_COMPRESSION_TYPE = 4

/** What subscriptions can ask for, by selector. */
type Attributes = Readonly<Record<string, string>>

interface Instance {
  readonly attributes: Attributes
  /** The change of subscriptions that it was made after. */
  readonly version: number
  readonly subscription: TelemetrySubscription
  /** The connection that it was last heard of over. */
  connectionId: string
  expiresMs: number
  /** When it last asked for its subscription and was answered; 0 for never. */
  askedMs: number
  /** When it last pushed in time; 0 for never. */
  pushedMs: number
  /** Whether it said with its last push that it would be its last. */
  terminating: boolean
  lastError: ErrorCode
}

/** Why a push is not taken. */
function refusal(
  instance: Instance,
  push: TelemetryPush,
  maxBytes: number,
  nowMs: number,
): KafkaError | undefined {
  const { clientInstanceId: id, compressionType, metrics } = push
  const { subscriptionId, pushIntervalMs } = instance.subscription
  if (instance.terminating) {
    return new KafkaError(ErrorCode.INVALID_REQUEST, `client ${id} has pushed for the last time already`)
  }
  // Clients spread their first pushes over the interval: the one after the subscription may come at once.
  const inTime = instance.askedMs > instance.pushedMs || nowMs - instance.pushedMs >= pushIntervalMs
  if (inTime) instance.pushedMs = nowMs
  else if (!push.terminating) return tooSoon(id, pushIntervalMs)
  if (push.subscriptionId !== subscriptionId) {
    return new KafkaError(
      ErrorCode.UNKNOWN_SUBSCRIPTION_ID,
      `subscription ${push.subscriptionId} is not client ${id}'s, which is ${subscriptionId}`,
    )
  }
  if (compressionType < 0 || compressionType > LAST_COMPRESSION_TYPE) {
    return new KafkaError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `there is no compression type ${compressionType}`,
    )
  }
  if (metrics.length > maxBytes) {
    return new KafkaError(
      ErrorCode.TELEMETRY_TOO_LARGE,
      `client ${id} pushes ${metrics.length} bytes, telemetry.max.bytes is ${maxBytes}`,
    )
  }
  return undefined
}

/** Kafka decompresses what is pushed, whether somebody receives it or not. */
function checkContent(compressionType: number, metrics: Buffer, maxBytes: number): void | Promise<void> {
  try {
    const content = decompress(compressionType, metrics)
    if (!Buffer.isBuffer(content)) return checkPieces(content, maxBytes).catch(refuseContent)
    checkSize(content.length, maxBytes)
  } catch (error) {
    refuseContent(error)
  }
}

async function checkPieces(pieces: AsyncIterable<Buffer>, maxBytes: number): Promise<void> {
  let sizeBytes = 0
  for await (const piece of pieces) {
    sizeBytes += piece.length
    checkSize(sizeBytes, maxBytes)
  }
}

function checkSize(sizeBytes: number, maxBytes: number): void {
  if (sizeBytes > maxBytes) throw new Error(`more than the ${maxBytes} bytes of telemetry.max.bytes`)
}

function refuseContent(error: unknown): never {
  const why = error instanceof Error ? error.message : error
  throw new KafkaError(ErrorCode.INVALID_RECORD, `the metrics do not decompress: ${why}`)
}

function tooSoon(id: string, pushIntervalMs: number): KafkaError {
  return new KafkaError(
    ErrorCode.THROTTLING_QUOTA_EXCEEDED,
    `client ${id} comes before its push interval of ${pushIntervalMs} ms is over`,
  )
}

function subscriptionsIn(metadata: ClientMetricsOptions['metadata']): readonly ClientMetricsSubscription[] {
  const { CLIENT_METRICS } = ConfigResourceType
  const names = [...metadata.configuredResources(CLIENT_METRICS)]
  return javaHashMapOrder(names, javaHashCode).map((name) => {
    const subscription = clientMetricsSubscription(metadata.configs(CLIENT_METRICS, name))
    const { metrics } = subscription
    return { ...subscription, metrics: javaHashMapOrder(metrics, javaHashCode, placesFor(metrics.length)) }
  })
}

function attributesOf(id: string, client: MetricsClient): Attributes {
  const [name, version] = client.clientSoftware?.split('/') ?? []
  return {
    client_instance_id: id,
    client_id: client.clientId ?? '',
    client_software_name: name || UNKNOWN,
    client_software_version: version || UNKNOWN,
    client_source_address: client.clientHost.slice(1),
    client_source_port: String(client.clientPort),
  }
}

/** What Kafka calls the library of a client that has told nothing of it. */
const UNKNOWN = 'unknown'

/** KIP-714: a checksum of what is asked for, mixed with the id of the client that is asked. */
function subscriptionIdOf(id: string, metrics: readonly string[], pushIntervalMs: number): number {
  const bytes = Buffer.from(id, 'base64url')
  const folded = bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12)
  return crc32c(Buffer.from(`[${metrics.join(', ')}]${pushIntervalMs}`)) ^ folded
}
