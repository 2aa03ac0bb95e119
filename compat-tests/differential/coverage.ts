/**
 * What the suite must cover: for each handler every error code that it can answer, and every version that changes
 * a field of its request or its answer.
 */
import { addOffsetsToTxnApi } from '../../src/wire/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxnApi } from '../../src/wire/messages/add-partitions-to-txn.ts'
import { alterClientQuotasApi } from '../../src/wire/messages/alter-client-quotas.ts'
import { alterConfigsApi } from '../../src/wire/messages/alter-configs.ts'
import { alterPartitionReassignmentsApi } from '../../src/wire/messages/alter-partition-reassignments.ts'
import { alterReplicaLogDirsApi } from '../../src/wire/messages/alter-replica-log-dirs.ts'
import { alterUserScramCredentialsApi } from '../../src/wire/messages/alter-user-scram-credentials.ts'
import { apiVersionsApi } from '../../src/wire/messages/api-versions.ts'
import { createAclsApi } from '../../src/wire/messages/create-acls.ts'
import { createPartitionsApi } from '../../src/wire/messages/create-partitions.ts'
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { deleteAclsApi } from '../../src/wire/messages/delete-acls.ts'
import { deleteGroupsApi } from '../../src/wire/messages/delete-groups.ts'
import { deleteRecordsApi } from '../../src/wire/messages/delete-records.ts'
import { deleteTopicsApi } from '../../src/wire/messages/delete-topics.ts'
import { describeAclsApi } from '../../src/wire/messages/describe-acls.ts'
import { describeClientQuotasApi } from '../../src/wire/messages/describe-client-quotas.ts'
import { describeClusterApi } from '../../src/wire/messages/describe-cluster.ts'
import { describeConfigsApi } from '../../src/wire/messages/describe-configs.ts'
import { describeGroupsApi } from '../../src/wire/messages/describe-groups.ts'
import { describeLogDirsApi } from '../../src/wire/messages/describe-log-dirs.ts'
import { describeProducersApi } from '../../src/wire/messages/describe-producers.ts'
import { describeQuorumApi } from '../../src/wire/messages/describe-quorum.ts'
import { describeTopicPartitionsApi } from '../../src/wire/messages/describe-topic-partitions.ts'
import { describeTransactionsApi } from '../../src/wire/messages/describe-transactions.ts'
import { describeUserScramCredentialsApi } from '../../src/wire/messages/describe-user-scram-credentials.ts'
import { electLeadersApi } from '../../src/wire/messages/elect-leaders.ts'
import { endTxnApi } from '../../src/wire/messages/end-txn.ts'
import { fetchApi } from '../../src/wire/messages/fetch.ts'
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { getTelemetrySubscriptionsApi } from '../../src/wire/messages/get-telemetry-subscriptions.ts'
import { heartbeatApi } from '../../src/wire/messages/heartbeat.ts'
import { incrementalAlterConfigsApi } from '../../src/wire/messages/incremental-alter-configs.ts'
import { initProducerIdApi } from '../../src/wire/messages/init-producer-id.ts'
import { joinGroupApi } from '../../src/wire/messages/join-group.ts'
import { leaveGroupApi } from '../../src/wire/messages/leave-group.ts'
import { listConfigResourcesApi } from '../../src/wire/messages/list-config-resources.ts'
import { listGroupsApi } from '../../src/wire/messages/list-groups.ts'
import { listOffsetsApi } from '../../src/wire/messages/list-offsets.ts'
import { listPartitionReassignmentsApi } from '../../src/wire/messages/list-partition-reassignments.ts'
import { listTransactionsApi } from '../../src/wire/messages/list-transactions.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { offsetCommitApi } from '../../src/wire/messages/offset-commit.ts'
import { offsetDeleteApi } from '../../src/wire/messages/offset-delete.ts'
import { offsetFetchApi } from '../../src/wire/messages/offset-fetch.ts'
import { offsetForLeaderEpochApi } from '../../src/wire/messages/offset-for-leader-epoch.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { pushTelemetryApi } from '../../src/wire/messages/push-telemetry.ts'
import { syncGroupApi } from '../../src/wire/messages/sync-group.ts'
import { txnOffsetCommitApi } from '../../src/wire/messages/txn-offset-commit.ts'
import { updateFeaturesApi } from '../../src/wire/messages/update-features.ts'
import { writeTxnMarkersApi } from '../../src/wire/messages/write-txn-markers.ts'

/** What of an API the suite looks at. */
interface CoveredApi {
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly advertised: readonly [min: number, max: number] | null
}

/** The APIs that have cases. */
export const coveredApis: readonly CoveredApi[] = [
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  alterClientQuotasApi,
  alterConfigsApi,
  alterPartitionReassignmentsApi,
  alterReplicaLogDirsApi,
  alterUserScramCredentialsApi,
  apiVersionsApi,
  createAclsApi,
  createPartitionsApi,
  createTopicsApi,
  deleteAclsApi,
  deleteGroupsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  describeAclsApi,
  describeClientQuotasApi,
  describeClusterApi,
  describeConfigsApi,
  describeGroupsApi,
  describeLogDirsApi,
  describeProducersApi,
  describeQuorumApi,
  describeTopicPartitionsApi,
  describeTransactionsApi,
  describeUserScramCredentialsApi,
  electLeadersApi,
  endTxnApi,
  fetchApi,
  findCoordinatorApi,
  getTelemetrySubscriptionsApi,
  heartbeatApi,
  incrementalAlterConfigsApi,
  initProducerIdApi,
  joinGroupApi,
  leaveGroupApi,
  listConfigResourcesApi,
  listGroupsApi,
  listOffsetsApi,
  listPartitionReassignmentsApi,
  listTransactionsApi,
  metadataApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  offsetForLeaderEpochApi,
  produceApi,
  pushTelemetryApi,
  syncGroupApi,
  txnOffsetCommitApi,
  updateFeaturesApi,
  writeTxnMarkersApi,
]

/**
 * The error codes of each API, beside NONE. Not among them, because one broker that is well and has no ACLs or quotas
 * never answers them: everything about authorization, throttling, other leaders, other replicas, moved coordinators,
 * disks that fail, and older leader epochs (each needs an election); nor what only a race shows, as that a transaction
 * has not quite ended.
 */
export const errorsToCover: Readonly<Record<string, readonly string[]>> = {
  AddOffsetsToTxn: [
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'INVALID_REQUEST',
    'PRODUCER_FENCED',
  ],
  AddPartitionsToTxn: [
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'INVALID_REQUEST',
    'OPERATION_NOT_ATTEMPTED',
    'PRODUCER_FENCED',
    'TOPIC_AUTHORIZATION_FAILED',
    'TRANSACTION_ABORTABLE',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  AlterClientQuotas: ['INVALID_REQUEST', 'POLICY_VIOLATION'],
  AlterConfigs: [
    'INVALID_CONFIG',
    'INVALID_REQUEST',
    'INVALID_TOPIC_EXCEPTION',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  AlterPartitionReassignments: [
    'INVALID_REPLICA_ASSIGNMENT',
    'NO_REASSIGNMENT_IN_PROGRESS',
    'REQUEST_TIMED_OUT',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  AlterReplicaLogDirs: ['INVALID_TOPIC_EXCEPTION', 'LOG_DIR_NOT_FOUND', 'UNKNOWN_TOPIC_OR_PARTITION'],
  AlterUserScramCredentials: [
    'DUPLICATE_RESOURCE',
    'RESOURCE_NOT_FOUND',
    'UNACCEPTABLE_CREDENTIAL',
    'UNKNOWN_SERVER_ERROR',
    'UNSUPPORTED_SASL_MECHANISM',
  ],
  ApiVersions: ['UNSUPPORTED_VERSION', 'INVALID_REQUEST'],
  CreateAcls: ['SECURITY_DISABLED'],
  CreatePartitions: [
    'INVALID_PARTITIONS',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_REQUEST',
    'REQUEST_TIMED_OUT',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  CreateTopics: [
    'INVALID_CONFIG',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_REQUEST',
    'INVALID_TOPIC_EXCEPTION',
    'POLICY_VIOLATION',
    'REQUEST_TIMED_OUT',
    'TOPIC_ALREADY_EXISTS',
  ],
  DeleteAcls: ['SECURITY_DISABLED'],
  DeleteGroups: ['GROUP_ID_NOT_FOUND', 'NON_EMPTY_GROUP'],
  DeleteRecords: [
    'INVALID_TOPIC_EXCEPTION',
    'OFFSET_OUT_OF_RANGE',
    'POLICY_VIOLATION',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  DeleteTopics: ['INVALID_REQUEST', 'REQUEST_TIMED_OUT', 'UNKNOWN_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION'],
  DescribeAcls: ['SECURITY_DISABLED'],
  DescribeClientQuotas: ['INVALID_REQUEST', 'UNSUPPORTED_VERSION'],
  DescribeCluster: ['MISMATCHED_ENDPOINT_TYPE', 'UNSUPPORTED_ENDPOINT_TYPE'],
  DescribeConfigs: ['INVALID_REQUEST', 'INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'],
  DescribeGroups: ['GROUP_ID_NOT_FOUND'],
  DescribeLogDirs: [],
  DescribeProducers: ['INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_OR_PARTITION'],
  DescribeQuorum: ['UNKNOWN_TOPIC_OR_PARTITION'],
  DescribeTopicPartitions: [
    'INVALID_REQUEST',
    'INVALID_TOPIC_EXCEPTION',
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  DescribeTransactions: ['INVALID_REQUEST', 'TRANSACTIONAL_ID_NOT_FOUND'],
  DescribeUserScramCredentials: ['DUPLICATE_RESOURCE', 'RESOURCE_NOT_FOUND'],
  ElectLeaders: ['ELECTION_NOT_NEEDED', 'INVALID_REQUEST', 'REQUEST_TIMED_OUT', 'UNKNOWN_TOPIC_OR_PARTITION'],
  EndTxn: [
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'INVALID_REQUEST',
    'INVALID_TXN_STATE',
    'PRODUCER_FENCED',
  ],
  Fetch: [
    'FETCH_SESSION_ID_NOT_FOUND',
    'FETCH_SESSION_TOPIC_ID_ERROR',
    'INCONSISTENT_TOPIC_ID',
    'INVALID_FETCH_SESSION_EPOCH',
    'NOT_LEADER_OR_FOLLOWER',
    'OFFSET_OUT_OF_RANGE',
    'UNKNOWN_LEADER_EPOCH',
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_TOPIC_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  FindCoordinator: ['INVALID_REQUEST'],
  GetTelemetrySubscriptions: ['THROTTLING_QUOTA_EXCEEDED'],
  Heartbeat: [
    'FENCED_INSTANCE_ID',
    'ILLEGAL_GENERATION',
    'INVALID_GROUP_ID',
    'REBALANCE_IN_PROGRESS',
    'UNKNOWN_MEMBER_ID',
  ],
  IncrementalAlterConfigs: [
    'INVALID_CONFIG',
    'INVALID_REQUEST',
    'INVALID_TOPIC_EXCEPTION',
    'POLICY_VIOLATION',
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  InitProducerId: [
    'CONCURRENT_TRANSACTIONS',
    'INVALID_PRODUCER_EPOCH',
    'INVALID_REQUEST',
    'INVALID_TRANSACTION_TIMEOUT',
    'PRODUCER_FENCED',
  ],
  JoinGroup: [
    'FENCED_INSTANCE_ID',
    'GROUP_MAX_SIZE_REACHED',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INVALID_GROUP_ID',
    'INVALID_SESSION_TIMEOUT',
    'MEMBER_ID_REQUIRED',
    'UNKNOWN_MEMBER_ID',
  ],
  LeaveGroup: ['FENCED_INSTANCE_ID', 'INVALID_GROUP_ID', 'UNKNOWN_MEMBER_ID'],
  ListConfigResources: ['UNSUPPORTED_VERSION'],
  ListGroups: [],
  ListOffsets: [
    'INVALID_REQUEST',
    'UNKNOWN_LEADER_EPOCH',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'UNSUPPORTED_VERSION',
  ],
  ListPartitionReassignments: [],
  ListTransactions: ['INVALID_REGULAR_EXPRESSION'],
  Metadata: ['INVALID_REQUEST', 'INVALID_TOPIC_EXCEPTION', 'UNKNOWN_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION'],
  OffsetCommit: [
    'FENCED_INSTANCE_ID',
    'GROUP_ID_NOT_FOUND',
    'ILLEGAL_GENERATION',
    'OFFSET_METADATA_TOO_LARGE',
    'REBALANCE_IN_PROGRESS',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_TOPIC_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  OffsetDelete: [
    'GROUP_ID_NOT_FOUND',
    'GROUP_SUBSCRIBED_TO_TOPIC',
    'INVALID_GROUP_ID',
    'NON_EMPTY_GROUP',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  OffsetFetch: ['UNKNOWN_TOPIC_ID', 'UNSTABLE_OFFSET_COMMIT'],
  OffsetForLeaderEpoch: ['FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH', 'UNKNOWN_TOPIC_OR_PARTITION'],
  Produce: [
    'CORRUPT_MESSAGE',
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'INVALID_RECORD',
    'INVALID_REQUEST',
    'INVALID_REQUIRED_ACKS',
    'INVALID_TIMESTAMP',
    'INVALID_TOPIC_EXCEPTION',
    'INVALID_TXN_STATE',
    'MESSAGE_TOO_LARGE',
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
    'RECORD_LIST_TOO_LARGE',
    'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
    'TRANSACTION_ABORTABLE',
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_TOPIC_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'UNSUPPORTED_COMPRESSION_TYPE',
  ],
  PushTelemetry: [
    'INVALID_RECORD',
    'INVALID_REQUEST',
    'TELEMETRY_TOO_LARGE',
    'THROTTLING_QUOTA_EXCEEDED',
    'UNKNOWN_SUBSCRIPTION_ID',
    'UNSUPPORTED_COMPRESSION_TYPE',
  ],
  SyncGroup: [
    'FENCED_INSTANCE_ID',
    'ILLEGAL_GENERATION',
    'INCONSISTENT_GROUP_PROTOCOL',
    'INVALID_GROUP_ID',
    'REBALANCE_IN_PROGRESS',
    'UNKNOWN_MEMBER_ID',
  ],
  TxnOffsetCommit: [
    'FENCED_INSTANCE_ID',
    'ILLEGAL_GENERATION',
    'INVALID_GROUP_ID',
    'INVALID_PRODUCER_EPOCH',
    'INVALID_PRODUCER_ID_MAPPING',
    'INVALID_REQUEST',
    'INVALID_TXN_STATE',
    'OFFSET_METADATA_TOO_LARGE',
    'TRANSACTION_ABORTABLE',
    'UNKNOWN_MEMBER_ID',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
  UpdateFeatures: ['INVALID_UPDATE_VERSION'],
  WriteTxnMarkers: [
    'INVALID_PRODUCER_EPOCH',
    'TRANSACTION_COORDINATOR_FENCED',
    'UNKNOWN_SERVER_ERROR',
    'UNKNOWN_TOPIC_OR_PARTITION',
  ],
}
