/**
 * The bytes of a metadata record, as Kafka's controllers write the value of a record in their log: the version of
 * this frame, the type of the record, its version, and its fields.
 */
import type { DataMessage } from '../wire/message.ts'
import { abortTransactionRecord } from '../wire/metadata-records/abort-transaction-record.ts'
import { accessControlEntryRecord } from '../wire/metadata-records/access-control-entry-record.ts'
import { beginTransactionRecord } from '../wire/metadata-records/begin-transaction-record.ts'
import { brokerRegistrationChangeRecord } from '../wire/metadata-records/broker-registration-change-record.ts'
import { clearElrRecord } from '../wire/metadata-records/clear-elr-record.ts'
import { clientQuotaRecord } from '../wire/metadata-records/client-quota-record.ts'
import { configRecord } from '../wire/metadata-records/config-record.ts'
import { delegationTokenRecord } from '../wire/metadata-records/delegation-token-record.ts'
import { endTransactionRecord } from '../wire/metadata-records/end-transaction-record.ts'
import { featureLevelRecord } from '../wire/metadata-records/feature-level-record.ts'
import { fenceBrokerRecord } from '../wire/metadata-records/fence-broker-record.ts'
import { noOpRecord } from '../wire/metadata-records/no-op-record.ts'
import { partitionChangeRecord } from '../wire/metadata-records/partition-change-record.ts'
import { partitionRecord } from '../wire/metadata-records/partition-record.ts'
import { producerIdsRecord } from '../wire/metadata-records/producer-ids-record.ts'
import { registerBrokerRecord } from '../wire/metadata-records/register-broker-record.ts'
import { registerControllerRecord } from '../wire/metadata-records/register-controller-record.ts'
import { removeAccessControlEntryRecord } from '../wire/metadata-records/remove-access-control-entry-record.ts'
import { removeDelegationTokenRecord } from '../wire/metadata-records/remove-delegation-token-record.ts'
import { removeTopicRecord } from '../wire/metadata-records/remove-topic-record.ts'
import { removeUserScramCredentialRecord } from '../wire/metadata-records/remove-user-scram-credential-record.ts'
import { topicRecord } from '../wire/metadata-records/topic-record.ts'
import { unfenceBrokerRecord } from '../wire/metadata-records/unfence-broker-record.ts'
import { unregisterBrokerRecord } from '../wire/metadata-records/unregister-broker-record.ts'
import { userScramCredentialRecord } from '../wire/metadata-records/user-scram-credential-record.ts'
import { zkMigrationStateRecord } from '../wire/metadata-records/zk-migration-state-record.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import type { MetadataRecord } from './metadata.ts'

/**
 * What stands in the log beside the changes themselves: which of them belong together (KIP-868), and that the
 * controller lives (KIP-835).
 */
export type LogKeepingRecord =
  | { readonly name: 'BeginTransactionRecord'; readonly value: { readonly name: string | null } }
  | { readonly name: 'EndTransactionRecord'; readonly value: object }
  | { readonly name: 'AbortTransactionRecord'; readonly value: { readonly reason: string | null } }
  | { readonly name: 'NoOpRecord'; readonly value: object }

export type MetadataLogRecord = MetadataRecord | LogKeepingRecord

/** Each in its highest version, which is what metadata.version 30 writes; lower levels than that are not offered. */
export function encodeMetadataRecords(records: readonly MetadataLogRecord[]): readonly Buffer[] {
  const writer = new Writer()
  return records.map(({ name, value }) => {
    if (name === 'VotersRecord') throw new WireError('voters stand in control records alone')
    const codec = codecs[name] as Codec<MetadataLogRecord['value']>
    const version = codec.versions[1]
    writer.uvarint(FRAME_VERSION)
    writer.uvarint(codec.type)
    writer.uvarint(version)
    codec.write(writer, version, value)
    return writer.concat()
  })
}

/** @throws WireError when the bytes are no record, or one of a type that is not known here. */
export function decodeMetadataRecord(bytes: Buffer): MetadataLogRecord {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint()
  if (frameVersion !== FRAME_VERSION) {
    throw new WireError(`a metadata record in frame version ${frameVersion}, where ${FRAME_VERSION} is known`)
  }
  const type = reader.uvarint()
  const codec = byType.get(type)
  if (codec === undefined) throw new WireError(`a metadata record of type ${type}, which is not known`)
  const value = codec.read(reader, reader.uvarint())
  if (reader.remaining > 0) {
    throw new WireError(`${reader.remaining} bytes behind a ${codec.name}`)
  }
  return { name: codec.name, value } as MetadataLogRecord
}

const FRAME_VERSION = 1

type Codec<T> = DataMessage<T> & { readonly type: number }

const codecs: {
  readonly [Name in Exclude<MetadataLogRecord['name'], 'VotersRecord'>]: Codec<
    Extract<MetadataLogRecord, { readonly name: Name }>['value']
  >
} = {
  AbortTransactionRecord: abortTransactionRecord,
  AccessControlEntryRecord: accessControlEntryRecord,
  BeginTransactionRecord: beginTransactionRecord,
  BrokerRegistrationChangeRecord: brokerRegistrationChangeRecord,
  ClearElrRecord: clearElrRecord,
  ClientQuotaRecord: clientQuotaRecord,
  ConfigRecord: configRecord,
  DelegationTokenRecord: delegationTokenRecord,
  EndTransactionRecord: endTransactionRecord,
  FeatureLevelRecord: featureLevelRecord,
  FenceBrokerRecord: fenceBrokerRecord,
  NoOpRecord: noOpRecord,
  PartitionChangeRecord: partitionChangeRecord,
  PartitionRecord: partitionRecord,
  ProducerIdsRecord: producerIdsRecord,
  RegisterBrokerRecord: registerBrokerRecord,
  RegisterControllerRecord: registerControllerRecord,
  RemoveAccessControlEntryRecord: removeAccessControlEntryRecord,
  RemoveDelegationTokenRecord: removeDelegationTokenRecord,
  RemoveTopicRecord: removeTopicRecord,
  RemoveUserScramCredentialRecord: removeUserScramCredentialRecord,
  TopicRecord: topicRecord,
  UnfenceBrokerRecord: unfenceBrokerRecord,
  UnregisterBrokerRecord: unregisterBrokerRecord,
  UserScramCredentialRecord: userScramCredentialRecord,
  ZkMigrationStateRecord: zkMigrationStateRecord,
}

const byType: ReadonlyMap<number, Codec<unknown>> = new Map(
  Object.values(codecs).map((codec) => [codec.type, codec as Codec<unknown>]),
)
