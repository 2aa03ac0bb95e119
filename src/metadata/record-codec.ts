/**
 * The bytes of a metadata record, as Kafka's controllers write the value of a record in their log: the version of
 * this frame, the type of the record, its version, and its fields.
 */
import type { DataMessage } from '../wire/message.ts'
import { clientQuotaRecord } from '../wire/metadata-records/client-quota-record.ts'
import { configRecord } from '../wire/metadata-records/config-record.ts'
import { featureLevelRecord } from '../wire/metadata-records/feature-level-record.ts'
import { partitionRecord } from '../wire/metadata-records/partition-record.ts'
import { producerIdsRecord } from '../wire/metadata-records/producer-ids-record.ts'
import { registerBrokerRecord } from '../wire/metadata-records/register-broker-record.ts'
import { removeTopicRecord } from '../wire/metadata-records/remove-topic-record.ts'
import { removeUserScramCredentialRecord } from '../wire/metadata-records/remove-user-scram-credential-record.ts'
import { topicRecord } from '../wire/metadata-records/topic-record.ts'
import { userScramCredentialRecord } from '../wire/metadata-records/user-scram-credential-record.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import { Writer } from '../wire/writer.ts'
import type { MetadataRecord } from './metadata.ts'

/** Each in its highest version, which is what metadata.version 30 writes; lower levels than that are not offered. */
export function encodeMetadataRecords(records: readonly MetadataRecord[]): readonly Buffer[] {
  const writer = new Writer()
  return records.map(({ name, value }) => {
    const codec = codecs[name] as Codec<MetadataRecord['value']>
    const version = codec.versions[1]
    writer.uvarint(FRAME_VERSION)
    writer.uvarint(codec.type)
    writer.uvarint(version)
    codec.write(writer, version, value)
    return writer.concat()
  })
}

/** @throws WireError when the bytes are no record, or one of a type that is not known here. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
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
  return { name: codec.name, value } as MetadataRecord
}

const FRAME_VERSION = 1

type Codec<T> = DataMessage<T> & { readonly type: number }

const codecs: {
  readonly [Name in MetadataRecord['name']]: Codec<Extract<MetadataRecord, { readonly name: Name }>['value']>
} = {
  ClientQuotaRecord: clientQuotaRecord,
  ConfigRecord: configRecord,
  FeatureLevelRecord: featureLevelRecord,
  PartitionRecord: partitionRecord,
  ProducerIdsRecord: producerIdsRecord,
  RegisterBrokerRecord: registerBrokerRecord,
  RemoveTopicRecord: removeTopicRecord,
  RemoveUserScramCredentialRecord: removeUserScramCredentialRecord,
  TopicRecord: topicRecord,
  UserScramCredentialRecord: userScramCredentialRecord,
}

const byType: ReadonlyMap<number, Codec<unknown>> = new Map(
  Object.values(codecs).map((codec) => [codec.type, codec as Codec<unknown>]),
)
