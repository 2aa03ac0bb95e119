/** The controller: decides on requests that change the cluster, commits the records, and tells who acts on them. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { alterConfigs, isUnknownOperation, type ResourceChange } from './config-control.ts'
import type { Decision } from './decision.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord, type Topic } from './metadata.ts'
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

export interface ControllerOptions extends ControlContext {
  /**
   * Called once for each commit, after the metadata holds it; the commit is done when this is.
   * @param deleted the topics that the metadata has no more, as they were.
   */
  readonly onCommit: (records: readonly MetadataRecord[], deleted: readonly Topic[]) => void | Promise<void>
}

export class Controller {
  readonly #options: ControllerOptions

  constructor(options: ControllerOptions) {
    this.#options = options
  }

  /**
   * Creates topics. Each is decided by itself; what is decided is committed together.
   * @throws KafkaError POLICY_VIOLATION when the request asks for more than one commit may hold.
   */
  async createTopics(specs: readonly TopicSpec[], validateOnly: boolean): Promise<Outcome<NewTopic>[]> {
    checkPartitionTotal(specs, this.#options.config.get('num.partitions'))
    const outcomes = specs.map((spec) => attempt(() => createTopic(this.#options, spec)))
    const records = bounded(outcomes.flatMap((outcome) => decided(outcome)?.records ?? []))
    if (!validateOnly) await this.commit(records)
    return outcomes
  }

  /** Adds partitions to topics. What no longer fits in one commit is refused, topic by topic. */
  async createPartitions(specs: readonly PartitionsSpec[], validateOnly: boolean): Promise<Outcome<null>[]> {
    let left = MAX_RECORDS_PER_REQUEST
    const outcomes = specs.map((spec) => {
      const outcome = attempt(() => createPartitions(this.#options, spec, left))
      left -= decided(outcome)?.length ?? 0
      return outcome
    })
    if (!validateOnly) await this.commit(outcomes.flatMap((outcome) => decided(outcome) ?? []))
    return outcomes.map((outcome) => ('error' in outcome ? outcome : { value: null }))
  }

  /**
   * Changes configs, each resource's by themselves; what is decided is committed together.
   * @throws KafkaError POLICY_VIOLATION as `createTopics`, UNKNOWN_SERVER_ERROR for operations that there are not.
   */
  async alterConfigs(changes: readonly ResourceChange[], validateOnly: boolean): Promise<Outcome<null>[]> {
    const unknown = changes.some(
      (change) =>
        change.resourceType !== ConfigResourceType.BROKER && change.changes.some(isUnknownOperation),
    )
    if (unknown) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
    const outcomes = changes.map((change) => attempt(() => alterConfigs(this.#options, change)))
    const records = bounded(outcomes.flatMap((outcome) => decided(outcome) ?? []))
    if (!validateOnly) await this.commit(records)
    return outcomes.map((outcome) => ('error' in outcome ? outcome : { value: null }))
  }

  /** Deletes the topics with these ids, with all that is in them. */
  async deleteTopics(ids: readonly string[]): Promise<Outcome<null>[]> {
    const outcomes = ids.map((id) => attempt(() => deleteTopic(this.#options.metadata, id)))
    await this.commit(outcomes.flatMap((outcome) => decided(outcome) ?? []))
    return outcomes.map((outcome) => ('error' in outcome ? outcome : { value: null }))
  }

  /**
   * Commits what a decision comes to, and answers what it answers.
   * @throws KafkaError what the decision throws, and POLICY_VIOLATION as `createTopics`.
   */
  async decide<T>(decision: (metadata: Metadata) => Decision<T>, validateOnly = false): Promise<T> {
    const { records, response } = decision(this.#options.metadata)
    const wanted = bounded(records)
    if (!validateOnly) await this.commit(wanted)
    return response
  }

  /** Applies the records and waits until everybody has acted on them. */
  commit(records: readonly MetadataRecord[]): void | Promise<void> {
    if (records.length === 0) return
    const { metadata, onCommit } = this.#options
    const deleted: Topic[] = []
    for (const record of records) {
      const topic = record.name === 'RemoveTopicRecord' ? metadata.topicById(record.value.topicId) : undefined
      if (topic !== undefined) deleted.push(topic)
      metadata.apply(record)
    }
    return onCommit(records, deleted)
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
