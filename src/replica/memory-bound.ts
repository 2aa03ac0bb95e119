/** Keeps what logs in memory take within bounds: the oldest records of all of them go first. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { usableMemoryBytes } from '../config/usable-memory.ts'
import { isInternalTopic } from '../metadata/topic-name.ts'
import type { MemoryStore } from '../storage/memory-store.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { lend } from '../wire/lent-memory.ts'
import type { Partition } from './partition.ts'

export interface MemoryBoundOptions {
  /** What clients live by, who try again while the logs are full. */
  readonly clock: Pick<Clock, 'now'>
  readonly config: Pick<BrokerConfig, 'get'>
  readonly logger: Pick<Logger, 'warn'>
  readonly replicas: { readonly partitions: () => Iterable<Partition> }
}

/** Whether logs may grow. */
export interface LogRoom {
  /** Memory for what they may come to keep as it is, with anything in it. */
  allocate(bytes: number): Buffer
  /** @throws KafkaError KAFKA_STORAGE_ERROR when nothing more may be produced: clients try again. */
  check(): void
}

/** Where the store is no memory, it says itself when it is full. */
export const AMPLE_ROOM: LogRoom = { allocate: lend, check: () => {} }

/** So often there is a look, each time that this part of the bound has been appended. */
const LOOKS = 64
/** How long nobody looks at all partitions again where that was in vain. */
const LOOK_AGAIN_MS = 100
/** A segment that holds this part of the bound ends, so that it can go by itself. */
const SEGMENTS = 16
/** When the logs take this part of the bound, smaller ones end too: such a part of the bound, or of their log. */
const SMALL_SEGMENTS_FROM = 0.5
const SMALL_SEGMENTS = 64
const SEGMENTS_PER_LOG = 8
/** Smaller ones never do: each has a cost of its own. */
const LEAST_SEGMENT_BYTES = 32 * 1024
/** How much is left when something has to go, so that it is not asked for with each batch. */
const FILL_AFTER = 0.9

/** Of smaller requests the memory is used again if their batches are copied. */
const KEPT_BYTES = 64 * 1024

/** What the process needs beside the logs, with what V8 lets pile up before it collects. */
const OWN_BYTES = 192 * 2 ** 20
/** The rest is for requests, answers, garbage, and gaps between what is kept. */
const DEFAULT_PART = 0.4
const LEAST_BYTES = 16 * 2 ** 20

/** With the gaps between them, logs have been seen to take 1.55 times what they hold; */
const WITH_GAPS = 1.6
/** so much has to be left besides: for requests, answers and garbage. */
const SPARE_BYTES = 512 * 2 ** 20

/**
 * Bounds what the store takes, from now on. Internal topics and those that are only compacted are counted, and stay: what
 * they tell is still needed. When they take everything nobody may produce, until compaction or a deletion makes room.
 */
export function boundMemory(store: MemoryStore, options: MemoryBoundOptions): LogRoom {
  const configured = options.config.get('ottla.memory.max.bytes')
  const usableBytes = usableMemoryBytes()
  const maxBytes = configured < 0 ? defaultMaxBytes(usableBytes) : configured
  if (!isAmple(maxBytes, usableBytes)) store.use.spare()
  const bound = new MemoryBound(store, maxBytes, options)
  let looking = false
  store.use.watch(Math.max(1, Math.floor(bound.maxBytes / LOOKS)), () => {
    if (looking) return
    looking = true
    // The batch that is being appended comes first.
    queueMicrotask(() => {
      looking = false
      try {
        bound.look()
      } catch (error) {
        options.logger.warn({ err: error }, 'the memory of the logs could not be looked after')
      }
    })
  })
  return bound
}

/** @param usableBytes what the process may use. */
export function defaultMaxBytes(usableBytes: number): number {
  return Math.max(LEAST_BYTES, Math.floor((usableBytes - OWN_BYTES) * DEFAULT_PART))
}

/** Whether there is so much memory that what the logs have freed may lie about for a while. */
export function isAmple(maxBytes: number, usableBytes: number): boolean {
  return maxBytes * WITH_GAPS + SPARE_BYTES <= usableBytes
}

class MemoryBound implements LogRoom {
  readonly maxBytes: number
  readonly #store: MemoryStore
  readonly #options: MemoryBoundOptions
  #full = false
  #lookedMs = 0
  readonly #told = new Set<string>()

  constructor(store: MemoryStore, maxBytes: number, options: MemoryBoundOptions) {
    this.#store = store
    this.maxBytes = maxBytes
    this.#options = options
  }

  /** Large ones are likely to be kept as they are. */
  allocate(bytes: number): Buffer {
    return bytes < KEPT_BYTES ? lend(bytes) : this.#store.use.allocate(bytes)
  }

  check(): void {
    if (!this.#full) return
    if (this.#mayHaveRoom()) this.look()
    if (!this.#full) return
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `the logs in memory take ${this.#taken()}`)
  }

  look(): void {
    const { maxBytes } = this
    const { use } = this.#store
    const partitions = [...this.#options.replicas.partitions()].filter(({ deleted }) => !deleted)
    for (const { cleaning, sizeBytes } of partitions) cleaning.endLargeSegment(this.#segmentBytes(sizeBytes))
    this.#full = false
    this.#lookedMs = this.#options.clock.now()
    if (use.bytes <= maxBytes) return
    const taken = this.#taken()
    if (free(partitions, () => use.bytes <= maxBytes * FILL_AFTER)) {
      this.#warn(
        `the logs in memory take ${taken}: from now on the oldest records go. Raise it, let retention.ms or ` +
          'retention.bytes take them before, or keep them in a directory (log.dirs)',
      )
    }
    this.#full = use.bytes > maxBytes
    if (!this.#full) return
    this.#warn(
      `the logs in memory take ${this.#taken()}, and what they hold may not go: nobody can produce until there is ` +
        'room. Internal topics and topics with cleanup.policy=compact keep their records until they are compacted',
    )
  }

  /** Beside what has been freed there may be something now that may go, since a topic's configs have changed. */
  #mayHaveRoom(): boolean {
    if (this.#store.use.bytes <= this.maxBytes) return true
    return Math.abs(this.#options.clock.now() - this.#lookedMs) >= LOOK_AGAIN_MS
  }

  /** So large a segment of a log of that size may become. */
  #segmentBytes(logBytes: number): number {
    const { maxBytes } = this
    if (this.#store.use.bytes < maxBytes * SMALL_SEGMENTS_FROM) return maxBytes / SEGMENTS
    return Math.max(LEAST_SEGMENT_BYTES, Math.min(maxBytes / SMALL_SEGMENTS, logBytes / SEGMENTS_PER_LOG))
  }

  #taken(): string {
    return `${this.#store.use.bytes} bytes, where ottla.memory.max.bytes is ${this.maxBytes}`
  }

  /** Says each kind of thing once. */
  #warn(message: string): void {
    const kind = message.replaceAll(/\d+/g, '')
    if (this.#told.has(kind)) return
    this.#told.add(kind)
    this.#options.logger.warn(message)
  }
}

/** A partition by the age of its oldest segment. */
interface Candidate {
  readonly partition: Partition
  readonly oldestMs: number
}

/** Drops segments, the oldest first, until that is enough or nothing more may go. Says whether any went. */
function free(partitions: readonly Partition[], isEnough: () => boolean): boolean {
  const candidates = partitions
    .flatMap((partition) => candidateOf(partition) ?? [])
    .sort((left, right) => right.oldestMs - left.oldestMs)
  let freed = false
  while (!isEnough()) {
    const oldest = candidates.pop()
    if (oldest === undefined) break
    if (oldest.partition.dropOldestSegment() === 0) continue
    freed = true
    const next = candidateOf(oldest.partition)
    if (next !== null) insert(candidates, next)
  }
  return freed
}

function candidateOf(partition: Partition): Candidate | null {
  const { oldestMs, deletes } = partition.cleaning
  return oldestMs === null || !deletes || isInternalTopic(partition.topic) ? null : { partition, oldestMs }
}

/** The oldest comes last. */
function insert(candidates: Candidate[], added: Candidate): void {
  let low = 0
  let high = candidates.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((candidates[middle] as Candidate).oldestMs > added.oldestMs) low = middle + 1
    else high = middle
  }
  candidates.splice(low, 0, added)
}
