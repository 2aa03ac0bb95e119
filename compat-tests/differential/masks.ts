/**
 * The fields that cannot be the same on two brokers. A masked value is replaced by a token that keeps what can be
 * compared: the same member id twice is `<uuid 1>` twice, a time that is not the present stays as it is, an id of
 * -1 or an empty message too. `X.a[].b` is field b in each element of a, in every answer of API X; `batch` is a
 * record batch inside a Fetch answer.
 */
export type TokenKind =
  /** A time within a minute of the run: `<now>`. Any other value is compared. */
  | 'now'
  /** The port that the case is connected to: `<port>`. Any other value is compared. */
  | 'port'
  /** Each UUID in the text is numbered; what stands around it is compared. */
  | 'uuid'
  /** A text that is there: `<message>`. Null and the empty text are compared. Kafka's prose is not ours to keep. */
  | 'message'
  /** A port of this machine in an address, and the directory of Kafka's data: `<port>`, `<directory>`. */
  | 'place'
  /** What a log directory is called: `<path>`. */
  | 'path'
  /** A size, an offset, a port or an epoch that is there: `<positive>`. 0 and what is below are compared. */
  | 'positive'
  /** Numbered by first appearance; -1, 0 (but of a producer id or an epoch), null and the zero UUID are compared. */
  | 'topic id'
  | 'cluster id'
  | 'producer id'
  | 'fetch session'
  | 'features epoch'

export interface Mask {
  readonly path: string
  readonly token: TokenKind
}

const mask = (token: TokenKind, ...paths: readonly string[]): readonly Mask[] =>
  paths.map((path) => ({ path, token }))

export const masks: readonly Mask[] = [
  ...mask(
    'port',
    'Metadata.brokers[].port',
    'DescribeCluster.brokers[].port',
    'FindCoordinator.port',
    'FindCoordinator.coordinators[].port',
  ),
  ...mask('cluster id', 'Metadata.clusterId', 'DescribeCluster.clusterId'),
  ...mask(
    'topic id',
    'Metadata.topics[].topicId',
    'Produce.responses[].topicId',
    'Fetch.responses[].topicId',
    'CreateTopics.topics[].topicId',
    'DeleteTopics.responses[].topicId',
    'OffsetCommit.topics[].topicId',
    'OffsetFetch.groups[].topics[].topicId',
  ),
  ...mask(
    'uuid',
    'JoinGroup.memberId',
    'JoinGroup.leader',
    'JoinGroup.members[].memberId',
    'LeaveGroup.members[].memberId',
    'DescribeGroups.groups[].members[].memberId',
  ),
  ...mask('topic id', 'DescribeTopicPartitions.topics[].topicId'),
  ...mask('path', 'DescribeLogDirs.results[].logDir'),
  ...mask(
    'positive',
    'DescribeLogDirs.results[].totalBytes',
    'DescribeLogDirs.results[].usableBytes',
    'DescribeQuorum.topics[].partitions[].leaderEpoch',
    'DescribeQuorum.topics[].partitions[].highWatermark',
    'DescribeQuorum.topics[].partitions[].currentVoters[].logEndOffset',
    'DescribeQuorum.nodes[].listeners[].port',
  ),
  ...mask(
    'now',
    'DescribeQuorum.topics[].partitions[].currentVoters[].lastFetchTimestamp',
    'DescribeQuorum.topics[].partitions[].currentVoters[].lastCaughtUpTimestamp',
  ),
  ...mask(
    'producer id',
    'InitProducerId.producerId',
    'EndTxn.producerId',
    'Fetch.responses[].partitions[].abortedTransactions[].producerId',
    'DescribeProducers.topics[].partitions[].activeProducers[].producerId',
    'DescribeTransactions.transactionStates[].producerId',
    'ListTransactions.transactionStates[].producerId',
    'WriteTxnMarkers.markers[].producerId',
    'batch.producerId',
  ),
  ...mask('now', 'DescribeTransactions.transactionStates[].transactionStartTimeMs'),
  ...mask('fetch session', 'Fetch.sessionId'),
  ...mask('features epoch', 'ApiVersions.finalizedFeaturesEpoch'),
  ...mask('now', 'Produce.responses[].partitionResponses[].logAppendTimeMs'),
  ...mask('now', 'batch.baseTimestamp', 'batch.maxTimestamp'),
  ...mask('now', 'DescribeProducers.topics[].partitions[].activeProducers[].lastTimestamp'),
  ...mask(
    'place',
    'DescribeConfigs.results[].configs[].value',
    'DescribeConfigs.results[].configs[].synonyms[].value',
  ),
  ...mask(
    'message',
    'Produce.responses[].partitionResponses[].errorMessage',
    'Produce.responses[].partitionResponses[].recordErrors[].batchIndexErrorMessage',
    'FindCoordinator.errorMessage',
    'FindCoordinator.coordinators[].errorMessage',
    'DescribeGroups.groups[].errorMessage',
    'CreateTopics.topics[].errorMessage',
    'DeleteTopics.responses[].errorMessage',
    'CreatePartitions.results[].errorMessage',
    'DescribeConfigs.results[].errorMessage',
    'DescribeConfigs.results[].configs[].documentation',
    'AlterConfigs.responses[].errorMessage',
    'IncrementalAlterConfigs.responses[].errorMessage',
    'DescribeCluster.errorMessage',
    'DescribeProducers.topics[].partitions[].errorMessage',
    'ElectLeaders.replicaElectionResults[].partitionResult[].errorMessage',
    'AlterPartitionReassignments.responses[].partitions[].errorMessage',
    'DescribeQuorum.topics[].partitions[].errorMessage',
    'UpdateFeatures.errorMessage',
    'DescribeAcls.errorMessage',
    'CreateAcls.results[].errorMessage',
    'DeleteAcls.filterResults[].errorMessage',
    'DescribeClientQuotas.errorMessage',
    'AlterClientQuotas.entries[].errorMessage',
    'DescribeUserScramCredentials.results[].errorMessage',
    'AlterUserScramCredentials.results[].errorMessage',
  ),
]

/**
 * Lists whose order says nothing (Kafka's own changes with the hash of a name): both sides are sorted by these
 * fields before they are compared; numbers by themselves.
 */
export const unordered: Readonly<Record<string, readonly string[]>> = {
  'ApiVersions.apiKeys': ['apiKey'],
  'ApiVersions.supportedFeatures': ['name'],
  'ApiVersions.finalizedFeatures': ['name'],
  'Metadata.topics': ['name', 'topicId'],
  'Metadata.topics[].partitions': ['partitionIndex'],
  'Produce.responses': ['name', 'topicId'],
  'Produce.responses[].partitionResponses': ['index'],
  'ListOffsets.topics': ['name'],
  'ListOffsets.topics[].partitions': ['partitionIndex'],
  'DescribeConfigs.results[].configs': ['name'],
  'ListConfigResources.configResources': ['resourceType', 'resourceName'],
  'AlterReplicaLogDirs.results': ['topicName'],
  'AlterReplicaLogDirs.results[].partitions': ['partitionIndex'],
  'DescribeLogDirs.results[].topics': ['name'],
  'DescribeLogDirs.results[].topics[].partitions': ['partitionIndex'],
  'DescribeProducers.topics[].partitions[].activeProducers': ['producerId'],
  'AddPartitionsToTxn.resultsByTransaction': ['transactionalId'],
  'AddPartitionsToTxn.resultsByTransaction[].topicResults': ['name'],
  'AddPartitionsToTxn.resultsByTransaction[].topicResults[].resultsByPartition': ['partitionIndex'],
  'AddPartitionsToTxn.resultsByTopicV3AndBelow': ['name'],
  'AddPartitionsToTxn.resultsByTopicV3AndBelow[].resultsByPartition': ['partitionIndex'],
  'WriteTxnMarkers.markers': ['producerId'],
  'WriteTxnMarkers.markers[].topics': ['name'],
  'WriteTxnMarkers.markers[].topics[].partitions': ['partitionIndex'],
  'DescribeTransactions.transactionStates[].topics': ['topic'],
  'DescribeTransactions.transactionStates[].topics[].partitions': [],
  'ListTransactions.transactionStates': ['transactionalId'],
  'DescribeClientQuotas.entries': ['entity'],
  'DescribeClientQuotas.entries[].values': ['key'],
  'AlterClientQuotas.entries': ['entity'],
  'DescribeUserScramCredentials.results': ['user'],
  'DescribeUserScramCredentials.results[].credentialInfos': ['mechanism'],
  'AlterUserScramCredentials.results': ['user'],
  'CreateTopics.topics': ['name'],
  'CreateTopics.topics[].configs': ['name'],
  'DeleteTopics.responses': ['name', 'topicId'],
  'CreatePartitions.results': ['name'],
  'ListGroups.groups': ['groupId'],
  'DescribeGroups.groups': ['groupId'],
  'DeleteGroups.results': ['groupId'],
  'JoinGroup.members': ['groupInstanceId', 'metadata'],
  'DescribeGroups.groups[].members': ['groupInstanceId', 'memberMetadata', 'memberAssignment'],
}
