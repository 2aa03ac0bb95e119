/** Which topics of an offset request exist, and how the answers for those that do not are put with the others. */
import { ErrorCode } from '../wire/error-codes.ts'
import type { OffsetCommitRequestTopic, OffsetCommitResponseTopic } from '../wire/messages/offset-commit.ts'
import type { OffsetFetchRequestTopics, OffsetFetchResponseTopics } from '../wire/messages/offset-fetch.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { noOffset } from './fetch.ts'
import type { TopicsView } from './group-services.ts'

/** From this version on OffsetCommit and OffsetFetch name topics by id alone. */
const TOPIC_IDS_FROM = 10

export function usesTopicIds(version: number): boolean {
  return version >= TOPIC_IDS_FROM
}

/** Topics of a request that a coordinator may see, and the answers for all others. */
export interface CheckedTopics<Topic, Answer> {
  readonly known: readonly Topic[]
  readonly refused: readonly Answer[]
}

/** A topic by its name: as OffsetDelete and TxnOffsetCommit ask and are answered. */
export interface TopicOf<P> {
  readonly name: string
  readonly partitions: readonly P[]
}

export interface PartitionAnswer {
  readonly partitionIndex: number
  readonly errorCode: number
}

/** Known topics come with name and id; of their partitions only those are left that exist. */
export function checkCommitTopics(
  view: TopicsView,
  topics: readonly OffsetCommitRequestTopic[],
  version: number,
): CheckedTopics<OffsetCommitRequestTopic, OffsetCommitResponseTopic> {
  const byId = usesTopicIds(version)
  const known: OffsetCommitRequestTopic[] = []
  const refused: OffsetCommitResponseTopic[] = []
  for (const { name: givenName, topicId: givenId, partitions } of topics) {
    const name = byId ? (view.topicName(givenId) ?? '') : givenName
    const topicId = byId ? givenId : (view.topicId(name) ?? ZERO_UUID)
    const count = name === '' ? 0 : view.partitionCount(name)
    const exists = byId ? name !== '' : topicId !== ZERO_UUID
    const errorCode = exists || !byId ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID
    const [there, missing] = split(partitions, ({ partitionIndex }) => exists && isIn(partitionIndex, count))
    if (there.length > 0) known.push({ name, topicId, partitions: there })
    if (missing.length > 0 || !exists) {
      const answers = missing.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
      refused.push({ name, topicId, partitions: answers })
    }
  }
  return { known, refused: merge([], refused, byId) }
}

/** The answers for refused topics first, those of the coordinator into or after them: the order that Kafka has. */
export function mergeCommitAnswers(
  refused: readonly OffsetCommitResponseTopic[],
  answers: readonly OffsetCommitResponseTopic[],
  version: number,
): readonly OffsetCommitResponseTopic[] {
  return refused.length === 0 ? answers : merge(refused, answers, usesTopicIds(version))
}

/** With ids, the topics that have one are known; with names all are, since their offsets may outlive them. */
export function checkFetchTopics(
  view: TopicsView,
  topics: readonly OffsetFetchRequestTopics[],
  version: number,
): CheckedTopics<OffsetFetchRequestTopics, OffsetFetchResponseTopics> {
  if (!usesTopicIds(version)) return { known: topics, refused: [] }
  const known: OffsetFetchRequestTopics[] = []
  const refused: OffsetFetchResponseTopics[] = []
  for (const { topicId, partitionIndexes } of topics) {
    const name = view.topicName(topicId)
    if (name !== undefined) {
      known.push({ name, topicId, partitionIndexes })
    } else {
      const partitions = partitionIndexes.map((index) => noOffset(index, ErrorCode.UNKNOWN_TOPIC_ID))
      refused.push({ name: '', topicId, partitions })
    }
  }
  return { known, refused }
}

/** Gives topics the ids that they have now; those that are no more cannot be told by id and are left out. */
export function withTopicIds(
  view: TopicsView,
  topics: readonly OffsetFetchResponseTopics[],
): OffsetFetchResponseTopics[] {
  const named: OffsetFetchResponseTopics[] = []
  for (const topic of topics) {
    const topicId = view.topicId(topic.name)
    if (topicId !== undefined) named.push({ ...topic, topicId })
  }
  return named
}

/** For requests that know topics by name alone: of their partitions only those are left that exist. */
export function checkTopics<P extends { readonly partitionIndex: number }>(
  view: TopicsView,
  topics: readonly TopicOf<P>[],
): CheckedTopics<TopicOf<P>, TopicOf<PartitionAnswer>> {
  const known: TopicOf<P>[] = []
  const refused: TopicOf<PartitionAnswer>[] = []
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  for (const { name, partitions } of topics) {
    const count = view.partitionCount(name)
    const [there, missing] = split(partitions, ({ partitionIndex }) => isIn(partitionIndex, count))
    if (there.length > 0) known.push({ name, partitions: there })
    if (missing.length > 0 || count === 0) {
      refused.push({ name, partitions: missing.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) })
    }
  }
  return { known, refused: mergeByName([], refused) }
}

export function mergeAnswers(
  refused: readonly TopicOf<PartitionAnswer>[],
  answers: readonly TopicOf<PartitionAnswer>[],
): readonly TopicOf<PartitionAnswer>[] {
  return refused.length === 0 ? answers : mergeByName(refused, answers)
}

function isIn(partition: number, count: number): boolean {
  return partition >= 0 && partition < count
}

function split<T>(values: readonly T[], test: (value: T) => boolean): [T[], T[]] {
  return [values.filter(test), values.filter((value) => !test(value))]
}

function merge(
  first: readonly OffsetCommitResponseTopic[],
  second: readonly OffsetCommitResponseTopic[],
  byId: boolean,
): OffsetCommitResponseTopic[] {
  return mergeBy(first, second, ({ name, topicId }) => (byId ? topicId : name))
}

function mergeByName(
  first: readonly TopicOf<PartitionAnswer>[],
  second: readonly TopicOf<PartitionAnswer>[],
): TopicOf<PartitionAnswer>[] {
  return mergeBy(first, second, ({ name }) => name)
}

/** One answer for each topic, with all its partitions. */
function mergeBy<P, T extends { readonly partitions: readonly P[] }>(
  first: readonly T[],
  second: readonly T[],
  key: (topic: T) => string,
): T[] {
  const merged = new Map<string, T>()
  for (const topic of [...first, ...second]) {
    const known = merged.get(key(topic))
    merged.set(
      key(topic),
      known ? { ...known, partitions: [...known.partitions, ...topic.partitions] } : topic,
    )
  }
  return [...merged.values()]
}
