/** Kafka's partition.metadata: which topic a log's directory belongs to, whatever its name (KIP-516). */

export const PARTITION_METADATA = 'partition.metadata'

export function encodePartitionMetadata(topicId: string): Buffer {
  return Buffer.from(`version: 0\ntopic_id: ${topicId}`)
}

/** Null for bytes that are no such text. */
export function parsePartitionMetadata(bytes: Buffer): string | null {
  const match = /^version: 0\r?\ntopic_id: ([A-Za-z0-9_-]{22})\s*$/.exec(bytes.toString())
  return match?.[1] ?? null
}
