/** The records whose replay gives metadata as they are: what a snapshot holds (KIP-630). */
import { entityData } from './client-quotas.ts'
import { METADATA_VERSION } from './features.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord } from './metadata.ts'
import { partitionRecord } from './partition-registration.ts'

export function* imageRecords(metadata: Metadata): Generator<MetadataRecord> {
  yield* features(metadata)
  for (const { registration } of metadata.brokers()) {
    yield { name: 'RegisterBrokerRecord', value: registration }
  }
  for (const { name, id: topicId, partitions } of metadata.topics()) {
    yield { name: 'TopicRecord', value: { name, topicId } }
    for (const partition of partitions) {
      yield { name: 'PartitionRecord', value: partitionRecord(topicId, partition) }
    }
  }
  yield* configs(metadata)
  for (const { entity, values } of metadata.clientQuotas.entities()) {
    for (const [key, value] of values) {
      yield { name: 'ClientQuotaRecord', value: { entity: entityData(entity), key, value, remove: false } }
    }
  }
  if (metadata.producerIds !== undefined) yield { name: 'ProducerIdsRecord', value: metadata.producerIds }
  for (const user of metadata.scramCredentials.users()) {
    for (const [mechanism, credential] of metadata.scramCredentials.of(user)) {
      yield { name: 'UserScramCredentialRecord', value: { name: user, mechanism, ...credential } }
    }
  }
  yield* metadata.kept
}

/** The level of the metadata themselves comes first: who reads on has to know how. */
function* features(metadata: Metadata): Generator<MetadataRecord> {
  const levels = [...metadata.finalizedFeatures()]
  const rank = (name: string): number => (name === METADATA_VERSION ? 0 : 1)
  for (const [name, featureLevel] of levels.toSorted(([a], [b]) => rank(a) - rank(b))) {
    yield { name: 'FeatureLevelRecord', value: { name, featureLevel } }
  }
}

function* configs(metadata: Metadata): Generator<MetadataRecord> {
  for (const { name, configs: own } of metadata.topics()) {
    yield* configRecords(ConfigResourceType.TOPIC, name, own)
  }
  for (const resourceType of Object.values(ConfigResourceType)) {
    if (resourceType === ConfigResourceType.TOPIC) continue
    for (const name of metadata.configuredResources(resourceType)) {
      yield* configRecords(resourceType, name, metadata.configs(resourceType, name))
    }
  }
}

function* configRecords(
  resourceType: number,
  resourceName: string,
  configs: ReadonlyMap<string, string>,
): Generator<MetadataRecord> {
  for (const [name, value] of configs) {
    yield { name: 'ConfigRecord', value: { resourceType, resourceName, name, value } }
  }
}
