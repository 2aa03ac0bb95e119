/** Reads a selection of partitions, and waits while there is too little to read: Kafka's delayed fetch. */
import type { Clock } from '../clock.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { FetchSelection, SelectedPartition } from './fetch-selection.ts'
import { Isolation, type PartitionRead } from './partition.ts'

export interface FetchLimits {
  /** How long to wait for `minBytes`, milliseconds. */
  readonly maxWaitMs: number
  readonly minBytes: number
  /** For all partitions together; the first batch is answered even if it is larger. */
  readonly maxBytes: number
  readonly isolation: number
  /** The id of the follower that fetches; -1 or below for a consumer. */
  readonly replicaId: number
  readonly memory: AnswerMemory
}

/** The memory of answers. */
export interface AnswerMemory {
  /** How much a fetch may get now that asks for `maxBytes`. */
  limit(maxBytes: number): number
  /** So many bytes are on their way from a store that takes its time; below 0 when they have come. */
  reading(bytes: number): void
}

/** What came of one partition. */
export interface FetchResult {
  readonly selected: SelectedPartition
  readonly outcome: PartitionRead | KafkaError
  /** The partition did not exist when the fetch began: Kafka then does not ask the log, and waits for the others. */
  readonly unknown: boolean
}

/** Answers at once when there is enough, an error, or nothing to wait for; otherwise when that is so, or in time. */
export function fetchSelection(
  selection: FetchSelection,
  limits: FetchLimits,
  clock: Clock,
  signal: AbortSignal,
): readonly FetchResult[] | Promise<readonly FetchResult[]> {
  const untilMs = clock.now() + limits.maxWaitMs
  const look = (
    before: ReadonlySet<SelectedPartition> | null,
  ): readonly FetchResult[] | Promise<readonly FetchResult[]> => {
    const results = readAll(selection, limits, before)
    if (!(results instanceof Promise)) return decide(results, false)
    // What a slow store has read may be old when it comes.
    let changed = false
    const stopListening = selection.wait({
      selectedChanged() {
        changed = true
      },
    })
    return results.then(
      (read) => {
        stopListening()
        return decide(read, changed)
      },
      (error: unknown) => {
        stopListening()
        throw error
      },
    )
  }
  const decide = (results: readonly FetchResult[], isOld: boolean) => {
    const leftMs = untilMs - clock.now()
    if (leftMs <= 0 || signal.aborted || isEnough(selection, results, limits.minBytes)) return results
    // Not the results themselves: what was read is read again, and must not be kept for as long as a client cares to wait.
    const unknown = new Set(results.filter((result) => result.unknown).map(({ selected }) => selected))
    if (isOld) return look(unknown)
    return waitForMore(selection, results, { ...limits, maxWaitMs: leftMs }, clock, signal).then((why) =>
      why === 'maybe' ? look(unknown) : readAll(selection, limits, unknown),
    )
  }
  return look(null)
}

const UNKNOWN: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
])

function isEnough(selection: FetchSelection, results: readonly FetchResult[], minBytes: number): boolean {
  let bytes = 0
  let unknown = 0
  for (const result of results) {
    const { outcome } = result
    if (result.unknown) unknown++
    else if (outcome instanceof KafkaError || outcome.divergingEpoch !== null) return true
    else bytes += outcome.sizeBytes
  }
  // What a session holds beside the results exists, and has no news.
  return bytes >= minBytes || unknown === selection.size
}

/**
 * Resolves when enough has been appended, something else changed, time is up, or nobody waits any more. How much a
 * transaction that ends lets a reader of committed records see is not known exactly: that is a `maybe`.
 */
function waitForMore(
  selection: FetchSelection,
  results: readonly FetchResult[],
  limits: FetchLimits,
  clock: Clock,
  signal: AbortSignal,
): Promise<'answer' | 'maybe'> {
  const committedOnly = limits.isolation === Isolation.READ_COMMITTED
  const readable = new Map<SelectedPartition, number>()
  let missingBytes = limits.minBytes
  const add = (selected: SelectedPartition, bytes: number): void => {
    const before = readable.get(selected) ?? 0
    const after = Math.min(before + bytes, selected.target.position.maxBytes)
    readable.set(selected, after)
    missingBytes -= after - before
  }
  for (const { selected, outcome } of results) {
    if (!(outcome instanceof KafkaError)) add(selected, outcome.sizeBytes)
  }
  return new Promise((resolve) => {
    const stop = (why: 'answer' | 'maybe'): void => {
      stopWaiting()
      timer.cancel()
      signal.removeEventListener('abort', answer)
      resolve(why)
    }
    const answer = (): void => stop('answer')
    const timer = clock.schedule(limits.maxWaitMs, answer)
    const stopWaiting = selection.wait({
      selectedChanged(selected, bytes, committedBytes) {
        if (bytes === 0) return answer()
        add(selected, committedOnly ? committedBytes : bytes)
        if (missingBytes <= 0) stop(committedOnly ? 'maybe' : 'answer')
      },
    })
    signal.addEventListener('abort', answer)
  })
}

/**
 * Reads what has news, in turn, until the limit is reached; those behind it are read for their watermarks only.
 * @param unknownBefore what was unknown at the look before, where there was one.
 */
function readAll(
  selection: FetchSelection,
  limits: FetchLimits,
  unknownBefore: ReadonlySet<SelectedPartition> | null,
): readonly FetchResult[] | Promise<readonly FetchResult[]> {
  const pending = selection.news()
  const results: FetchResult[] = []
  const { memory } = limits
  const maxBytes = memory.limit(limits.maxBytes)
  let bytesLeft = maxBytes
  let atLeastOne = true
  const take = (selected: SelectedPartition, outcome: FetchResult['outcome']): void => {
    const isUnknown = outcome instanceof KafkaError && UNKNOWN.has(outcome.code)
    results.push({
      selected,
      outcome,
      unknown: isUnknown && (unknownBefore === null || unknownBefore.has(selected)),
    })
    if (outcome instanceof KafkaError || outcome.sizeBytes === 0) return
    bytesLeft = Math.max(0, bytesLeft - outcome.sizeBytes)
    atLeastOne = false
  }
  const readOne = (selected: SelectedPartition) => readSelected(selected, limits, bytesLeft, atLeastOne)
  const readFrom = async (first: number): Promise<readonly FetchResult[]> => {
    for (const selected of pending.slice(first)) take(selected, await readOne(selected))
    return results
  }
  for (const [at, selected] of pending.entries()) {
    const outcome = readOne(selected)
    if (outcome instanceof Promise) {
      // Many who read what is on a disk would fill the memory before the first of them is answered.
      const bytes = mostBytes(pending.slice(at), maxBytes)
      memory.reading(bytes)
      return outcome
        .then((read) => {
          take(selected, read)
          return readFrom(at + 1)
        })
        .finally(() => memory.reading(-bytes))
    }
    take(selected, outcome)
  }
  return results
}

/** How much comes of these at most, but for a first batch that is larger. No client's limit makes that less than nothing. */
function mostBytes(pending: readonly SelectedPartition[], maxBytes: number): number {
  let bytes = 0
  for (const { target } of pending) bytes += Math.max(0, target.position.maxBytes)
  return Math.max(0, Math.min(maxBytes, bytes))
}

function readSelected(
  selected: SelectedPartition,
  { isolation, replicaId }: FetchLimits,
  maxBytes: number,
  atLeastOne: boolean,
): FetchResult['outcome'] | Promise<FetchResult['outcome']> {
  const partition = selected.find()
  if (partition instanceof KafkaError) return partition
  if (replicaId >= 0) {
    return new KafkaError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `broker ${replicaId} fetches as a follower, but holds no replica of ${partition}`,
    )
  }
  try {
    const read = partition.read(selected.target.position, maxBytes, isolation, atLeastOne)
    return read instanceof Promise ? read.catch(kafkaErrorOnly) : read
  } catch (error) {
    return kafkaErrorOnly(error)
  }
}

function kafkaErrorOnly(error: unknown): KafkaError {
  if (error instanceof KafkaError) return error
  throw error
}
