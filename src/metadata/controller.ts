/** The controller: decides on requests that change the cluster, and commits what it decides. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { Committer, type CommitterOptions } from './committer.ts'
import { alterConfigs, isUnknownOperation, type ResourceChange } from './config-control.ts'
import type { Decision } from './decision.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord } from './metadata.ts'
import {
  type ControlContext,
  createPartitions,
  createTopic,
  deleteTopic,
  type NewTopic,
  type PartitionsSpec,
  type TopicSpec,
} from './topic-control.ts'

/** What became of one part of a request: a value, or why not. */
export type Outcome<T> = { readonly value: T } | { readonly error: KafkaError }

/** Kafka's controller commits no more than this many records for one request. */
const MAX_RECORDS_PER_REQUEST = 10_000

export interface ControllerOptions extends CommitterOptions, Pick<ControlContext, 'random' | 'config'> {}

/**
 * Each method decides and commits in one synchronous step, so that every decision knows of those before it; it
 * answers when what it committed is durable and acted upon. All of them throw KafkaError KAFKA_STORAGE_ERROR while
 * the metadata log cannot be written.
 */
export class Controller {
  readonly #options: ControllerOptions
  readonly #committer: Committer

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#committer = new Committer(options)
  }

  /** The leader epoch of the metadata log. */
  get epoch(): number {
    return this.#committer.epoch
  }

  /** The offset that the next record of the metadata log gets, whether those before it are durable or not. */
  get endOffset(): bigint {
    return this.#committer.state.endOffset
  }

  /** Opens and replays the metadata log, so that the metadata are what they were. */
  open(): void | Promise<void> {
    return this.#committer.ready()
  }

  /** Waits for what is in flight and lets go of the metadata log. */
  close(): void | Promise<void> {
    return this.#committer.close()
  }

  /**
   * Creates topics. Each is decided by itself; what is decided is committed together.
   * @throws KafkaError POLICY_VIOLATION when the request asks for more than one commit may hold.
   */
  createTopics(specs: readonly TopicSpec[], validateOnly: boolean): Promise<Outcome<NewTopic>[]> {
    return this.#perform((context) => {
      checkPartitionTotal(specs, context.config.get('num.partitions'))
      const outcomes = specs.map((spec) => attempt(() => createTopic(context, spec)))
      const records = bounded(outcomes.flatMap((outcome) => decided(outcome)?.records ?? []))
      return { records, response: outcomes }
    }, validateOnly)
  }

  /** Adds partitions to topics. What no longer fits in one commit is refused, topic by topic. */
  createPartitions(specs: readonly PartitionsSpec[], validateOnly: boolean): Promise<Outcome<null>[]> {
    return this.#perform((context) => {
      let left = MAX_RECORDS_PER_REQUEST
      const outcomes = specs.map((spec) => {
        const outcome = attempt(() => createPartitions(context, spec, left))
        left -= decided(outcome)?.length ?? 0
        return outcome
      })
      return allOf(outcomes)
    }, validateOnly)
  }

  /**
   * Changes configs, each resource's by themselves; what is decided is committed together.
   * @throws KafkaError POLICY_VIOLATION as `createTopics`, UNKNOWN_SERVER_ERROR for operations that there are not.
   */
  alterConfigs(changes: readonly ResourceChange[], validateOnly: boolean): Promise<Outcome<null>[]> {
    return this.#perform((context) => {
      const unknown = changes.some(
        (change) =>
          change.resourceType !== ConfigResourceType.BROKER && change.changes.some(isUnknownOperation),
      )
      if (unknown) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
      const { records, response } = allOf(
        changes.map((change) => attempt(() => alterConfigs(context, change))),
      )
      return { records: bounded(records), response }
    }, validateOnly)
  }

  /** Deletes the topics with these ids, with all that is in them. */
  deleteTopics(ids: readonly string[]): Promise<Outcome<null>[]> {
    return this.#perform(({ metadata }) => allOf(ids.map((id) => attempt(() => deleteTopic(metadata, id)))))
  }

  /**
   * Commits what a decision comes to, and answers what it answers.
   * @throws KafkaError what the decision throws, and POLICY_VIOLATION as `createTopics`.
   */
  decide<T>(decision: (metadata: Metadata) => Decision<T>, validateOnly = false): Promise<T> {
    return this.#perform(({ metadata }) => {
      const { records, response } = decision(metadata)
      return { records: bounded(records), response }
    }, validateOnly)
  }

  /** Commits records that need no decision: at once, where the store answers at once. */
  commit(records: readonly MetadataRecord[]): void | Promise<void> {
    const wait = this.#committer.ready()
    if (wait instanceof Promise) return wait.then(() => this.#committer.commit(records))
    return this.#committer.commit(records)
  }

  async #perform<T>(decide: (context: ControlContext) => Decision<T>, validateOnly = false): Promise<T> {
    const wait = this.#committer.ready()
    if (wait instanceof Promise) await wait
    const { random, config } = this.#options
    const { records, response } = decide({ random, config, metadata: this.#committer.state })
    if (!validateOnly) await this.#committer.commit(records)
    return response
  }
}

/** What is decided of all parts together, each part answered by itself. */
function allOf(outcomes: readonly Outcome<readonly MetadataRecord[]>[]): Decision<Outcome<null>[]> {
  return {
    records: outcomes.flatMap((outcome) => decided(outcome) ?? []),
    response: outcomes.map((outcome) => ('error' in outcome ? outcome : { value: null })),
  }
}

function attempt<T>(decide: () => T): Outcome<T> {
  try {
    return { value: decide() }
  } catch (error) {
    if (error instanceof KafkaError) return { error }
    throw error
  }
}

function decided<T>(outcome: Outcome<T>): T | undefined {
  return 'value' in outcome ? outcome.value : undefined
}

/** Before anything is made for them: a client may ask for two thousand million. */
function checkPartitionTotal(specs: readonly TopicSpec[], defaultPartitions: number): void {
  let total = 0
  for (const { numPartitions, assignments } of specs) {
    if (assignments.length > 0) total += assignments.length
    else total += numPartitions === -1 ? defaultPartitions : Math.max(0, numPartitions)
  }
  if (total <= MAX_RECORDS_PER_REQUEST) return
  throw new KafkaError(ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.')
}

function bounded(records: readonly MetadataRecord[]): readonly MetadataRecord[] {
  if (records.length <= MAX_RECORDS_PER_REQUEST) return records
  throw new KafkaError(ErrorCode.POLICY_VIOLATION, 'Unable to perform excessively large batch operation.')
}
