/** The records of `__consumer_offsets` that classic groups and committed offsets are kept in. */

import type { CoordinatorRecord } from '../coordinator/coordinator-log.ts'
import { encode } from '../coordinator/encode.ts'
import {
  type GroupMetadataKey,
  type GroupMetadataValue,
  groupMetadataRecord,
} from '../wire/coordinator-records/group-metadata.ts'
import {
  type OffsetCommitKey,
  type OffsetCommitValue,
  offsetCommitRecord,
} from '../wire/coordinator-records/offset-commit.ts'
import type { DataMessage } from '../wire/message.ts'
import { Reader, ZERO_UUID } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'

/** A record of a group coordinator; a null value is a tombstone. */
export type GroupRecord =
  | { readonly kind: 'offset'; readonly key: OffsetCommitKey; readonly value: OffsetCommitValue | null }
  | { readonly kind: 'group'; readonly key: GroupMetadataKey; readonly value: GroupMetadataValue | null }

/** The type of offset records before Kafka 0.9; the fields are those of today. */
const LEGACY_OFFSET_COMMIT = 0

/** What Kafka 4.3 writes, whatever its metadata.version: 3 is the last that clients of the log before KIP-915 read. */
const GROUP_METADATA_VERSION = 3
const OFFSET_COMMIT_VERSION = 4
/** The only version that has an expiry of its own, for commits with a retention time (OffsetCommit v2 to v4). */
const EXPIRING_OFFSET_COMMIT_VERSION = 1

/** An offset committed. The value is as its bytes say it: in the version for an explicit expiry some fields are lost. */
export function offsetRecord(
  group: string,
  topic: string,
  partition: number,
  value: OffsetCommitValue,
): GroupRecord {
  const expires = value.expireTimestamp !== -1n
  const kept = expires ? { ...value, leaderEpoch: -1, topicId: ZERO_UUID } : value
  return { kind: 'offset', key: { group, topic, partition }, value: kept }
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { kind: 'offset', key: { group, topic, partition }, value: null }
}

export function groupRecord(group: string, value: GroupMetadataValue): GroupRecord {
  return { kind: 'group', key: { group }, value }
}

export function groupTombstone(group: string): GroupRecord {
  return { kind: 'group', key: { group }, value: null }
}

export function encodeRecord(record: GroupRecord): CoordinatorRecord {
  if (record.kind === 'group') {
    return {
      key: encode(groupMetadataRecord.type, groupMetadataRecord.key, 0, record.key),
      value:
        record.value &&
        encode(GROUP_METADATA_VERSION, groupMetadataRecord.value, GROUP_METADATA_VERSION, record.value),
    }
  }
  const version =
    record.value === null || record.value.expireTimestamp === -1n
      ? OFFSET_COMMIT_VERSION
      : EXPIRING_OFFSET_COMMIT_VERSION
  return {
    key: encode(offsetCommitRecord.type, offsetCommitRecord.key, 0, record.key),
    value: record.value && encode(version, offsetCommitRecord.value, version, record.value),
  }
}

/**
 * The record that these bytes are, or null for a type that classic groups do not write.
 * @throws WireError when the bytes are not what their type and version say.
 */
export function decodeRecord(record: CoordinatorRecord): GroupRecord | null {
  const reader = new Reader(record.key)
  const type = reader.int16()
  if (type === groupMetadataRecord.type) {
    return {
      kind: 'group',
      key: groupMetadataRecord.key.read(reader, 0),
      // A copy: the subscriptions in it are kept, and are views of these bytes.
      value: record.value && decode(groupMetadataRecord.value, Buffer.from(record.value)),
    }
  }
  if (type === offsetCommitRecord.type || type === LEGACY_OFFSET_COMMIT) {
    return {
      kind: 'offset',
      key: offsetCommitRecord.key.read(reader, 0),
      value: record.value && decode(offsetCommitRecord.value, record.value),
    }
  }
  return null
}

function decode<T>(message: DataMessage<T>, bytes: Buffer): T {
  const reader = new Reader(bytes)
  const version = reader.int16()
  const [min, max] = message.versions
  if (version < min || version > max) {
    throw new WireError(`${message.name} has version ${version}: ${min} to ${max} are known`)
  }
  return message.read(reader, version)
}
