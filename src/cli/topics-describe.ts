/** `ottla topics --describe`, in the format of kafka-topics. */
import { type DescribeConfigsResourceResult, describeConfigsApi } from '../wire/messages/describe-configs.ts'
import {
  type DescribeTopicPartitionsResponseTopic,
  describeTopicPartitionsApi,
} from '../wire/messages/describe-topic-partitions.ts'
import type { MetadataResponseTopic } from '../wire/messages/metadata.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import type { Client } from './client.ts'
import type { Options } from './command-options.ts'

interface Partition {
  readonly partitionIndex: number
  readonly leaderId: number
  readonly replicaNodes: readonly number[]
  readonly isrNodes: readonly number[]
  /** Undefined where the broker does not know of such replicas (KIP-966). */
  readonly eligibleLeaderReplicas?: readonly number[] | null | undefined
  readonly lastKnownElr?: readonly number[] | null | undefined
}

interface Description {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly Partition[]
  readonly configs: readonly DescribeConfigsResourceResult[]
}

const TOPIC = 2
const DEFAULT_CONFIG = 5
const PARTITIONS_PER_ANSWER = 2_000

/** Options that show some partitions only, and which. */
const REPORTS: Readonly<Record<string, (partition: Partition, minIsr: number) => boolean>> = {
  'under-replicated-partitions': ({ replicaNodes, isrNodes }) => isrNodes.length < replicaNodes.length,
  'unavailable-partitions': ({ leaderId }) => leaderId < 0,
  'under-min-isr-partitions': ({ leaderId, isrNodes }, minIsr) => leaderId < 0 || isrNodes.length < minIsr,
  'at-min-isr-partitions': ({ isrNodes }, minIsr) => isrNodes.length === minIsr,
}

export async function describeTopics(
  client: Client,
  topics: readonly MetadataResponseTopic[],
  options: Options,
  print: (text: string) => void,
): Promise<void> {
  const reports = Object.entries(REPORTS).flatMap(([name, report]) => (options.has(name) ? [report] : []))
  const onlyOverridden = options.has('topics-with-overrides')
  const described = await partitionsOf(client, topics)
  const configs = await configsOf(client, topics)
  for (const { name, topicId, partitions } of described) {
    const description = { name: name ?? '', topicId, partitions, configs: configs.get(name ?? '') ?? [] }
    const overridden = description.configs.filter(({ configSource }) => configSource !== DEFAULT_CONFIG)
    if (reports.length === 0 && (!onlyOverridden || overridden.length > 0)) {
      print(topicLine(description, overridden))
    }
    if (onlyOverridden) continue
    const minIsr = Number(description.configs.find((each) => each.name === 'min.insync.replicas')?.value ?? 1)
    for (const partition of [...partitions].sort(
      (left, right) => left.partitionIndex - right.partitionIndex,
    )) {
      const isShown = reports.length === 0 || reports.some((report) => report(partition, minIsr))
      if (isShown) print(partitionLine(description.name, partition))
    }
  }
}

type Described = Pick<Description, 'topicId' | 'partitions'> & { readonly name: string | null }

/** From DescribeTopicPartitions, page by page (KIP-966), where the broker serves it. */
async function partitionsOf(
  client: Client,
  topics: readonly MetadataResponseTopic[],
): Promise<readonly Described[]> {
  if (client.versionOf(describeTopicPartitionsApi) === undefined) return topics
  const found = new Map<string | null, DescribeTopicPartitionsResponseTopic>()
  const names = topics.map(({ name }) => ({ name: name ?? '' }))
  let cursor: { readonly topicName: string; readonly partitionIndex: number } | null = null
  do {
    const answer: Awaited<ReturnType<typeof ask>> = await ask(client, names, cursor)
    for (const topic of answer.topics) {
      const earlier = found.get(topic.name)
      const partitions = [...(earlier?.partitions ?? []), ...topic.partitions]
      found.set(topic.name, { ...topic, partitions })
    }
    cursor = answer.nextCursor ?? null
  } while (cursor !== null)
  return [...found.values()]
}

function ask(
  client: Client,
  topics: readonly { readonly name: string }[],
  cursor: { readonly topicName: string; readonly partitionIndex: number } | null,
) {
  const from = cursor?.topicName ?? ''
  const left = topics.filter(({ name }) => name >= from)
  return client.send(describeTopicPartitionsApi, {
    topics: left,
    responsePartitionLimit: PARTITIONS_PER_ANSWER,
    cursor,
  })
}

async function configsOf(
  client: Client,
  topics: readonly MetadataResponseTopic[],
): Promise<ReadonlyMap<string, readonly DescribeConfigsResourceResult[]>> {
  const { results } = await client.send(describeConfigsApi, {
    resources: topics.map(({ name }) => ({
      resourceType: TOPIC,
      resourceName: name ?? '',
      configurationKeys: null,
    })),
    includeSynonyms: false,
    includeDocumentation: false,
  })
  return new Map(results.map(({ resourceName, configs }) => [resourceName, configs]))
}

function topicLine(
  { name, topicId, partitions }: Description,
  overridden: readonly DescribeConfigsResourceResult[],
): string {
  const id = topicId === ZERO_UUID ? '' : `\tTopicId: ${topicId}`
  const replicas = partitions[0]?.replicaNodes.length ?? 0
  const configs = overridden.map((config) => `${config.name}=${config.value}`).join(',')
  return `Topic: ${name}${id}\tPartitionCount: ${partitions.length}\tReplicationFactor: ${replicas}\tConfigs: ${configs}\n`
}

function partitionLine(topic: string, partition: Partition): string {
  const { partitionIndex, leaderId, replicaNodes, isrNodes } = partition
  const ids = (nodes: readonly number[] | null | undefined): string => nodes?.join(',') ?? 'N/A'
  const fields = [
    `Topic: ${topic}`,
    `Partition: ${partitionIndex}`,
    `Leader: ${leaderId < 0 ? 'none' : leaderId}`,
    `Replicas: ${ids(replicaNodes)}`,
    `Isr: ${ids(isrNodes)}`,
    `Elr: ${ids(partition.eligibleLeaderReplicas)}`,
    `LastKnownElr: ${ids(partition.lastKnownElr)}`,
  ]
  return `\t${fields.join('\t')}\n`
}
