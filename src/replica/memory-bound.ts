/** Keeps what logs in memory hold within bounds: the oldest records of all of them go first. */
import { totalmem } from 'node:os'
import type { Logger } from 'pino'
import type { BrokerConfig } from '../config/broker-config.ts'
import { isInternalTopic } from '../metadata/topic-name.ts'
import type { MemoryStore } from '../storage/memory-store.ts'
import type { Partition } from './partition.ts'

export interface MemoryBoundOptions {
  readonly config: Pick<BrokerConfig, 'get'>
  readonly logger: Pick<Logger, 'warn'>
  readonly partitions: () => Iterable<Partition>
}

/** So often there is a look, each time that this part of the bound has been appended. */
const LOOKS = 64
/** A segment that holds this part of the bound ends, so that it can go by itself. */
const SEGMENTS = 16
/** How much is left when something has to go, so that it is not asked for with each batch. */
const FILL_AFTER = 0.9

/** What the process needs beside the logs. */
const OWN_BYTES = 96 * 2 ** 20
const LEAST_BYTES = 16 * 2 ** 20

/** Bounds what the store holds, from now on. Internal topics are counted, and stay: what they tell is still needed. */
export function boundMemory(store: MemoryStore, options: MemoryBoundOptions): void {
  const { config, logger, partitions } = options
  const configured = config.get('ottla.memory.max.bytes')
  const maxBytes = configured < 0 ? defaultMaxBytes(process.constrainedMemory()) : configured
  let warned = false
  let looking = false
  const look = (): void => {
    looking = false
    const all = [...partitions()].filter(({ deleted }) => !deleted)
    for (const partition of all) partition.cleaning.endLargeSegment(maxBytes / SEGMENTS)
    const heldBytes = all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    if (heldBytes <= maxBytes) return
    const freedBytes = free(all, heldBytes - maxBytes * FILL_AFTER)
    if (warned || freedBytes === 0) return
    warned = true
    logger.warn(
      `the logs in memory hold ${heldBytes} bytes: from now on the oldest records go, since ` +
        `ottla.memory.max.bytes is ${maxBytes}. Raise it, let retention.ms or retention.bytes take them before, or keep ` +
        'them in a directory (log.dirs)',
    )
  }
  store.watchGrowth(Math.max(1, Math.floor(maxBytes / LOOKS)), () => {
    if (looking) return
    looking = true
    // The batch that is being appended comes first.
    queueMicrotask(look)
  })
}

/** @param constraintBytes what the process may use, 0 or more than there is where nothing limits it. */
export function defaultMaxBytes(constraintBytes: number): number {
  const usableBytes = constraintBytes > 0 ? Math.min(constraintBytes, totalmem()) : totalmem()
  return Math.max(LEAST_BYTES, Math.floor((usableBytes - OWN_BYTES) / 2))
}

/** Drops segments, the oldest first, until so many bytes are free or nothing may go. */
function free(partitions: readonly Partition[], wantedBytes: number): number {
  const candidates = new Set(partitions.filter(({ topic }) => !isInternalTopic(topic)))
  let freedBytes = 0
  while (freedBytes < wantedBytes) {
    let oldest: Partition | null = null
    for (const candidate of candidates) {
      const { oldestMs } = candidate.cleaning
      if (oldestMs === null) candidates.delete(candidate)
      else if (oldest === null || oldestMs < (oldest.cleaning.oldestMs ?? 0)) oldest = candidate
    }
    if (oldest === null) break
    const droppedBytes = oldest.dropOldestSegment()
    if (droppedBytes === 0) candidates.delete(oldest)
    freedBytes += droppedBytes
  }
  return freedBytes
}
