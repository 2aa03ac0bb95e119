/**
 * Decisions on features: from the levels that are asked for to the records that put them in force. Checks and their
 * order follow Kafka's controller.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { type ConfigContext, pinMinInSyncReplicas } from './config-control.ts'
import type { Decision } from './decision.ts'
import { ELR_VERSION, features, KRAFT_VERSION, METADATA_VERSION } from './features.ts'
import type { MetadataRecord } from './metadata.ts'

/** What a client means to do to a feature, as UpdateFeatures numbers it (KIP-584, KIP-778). */
export const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

/** A level that somebody wants: the shape of UpdateFeatures' own. */
export interface FeatureUpdate {
  readonly feature: string
  /** 0 puts the feature out of force. */
  readonly maxVersionLevel: number
  /** One of `UpgradeType`, or whatever else a client sent. */
  readonly upgradeType: number
}

/** The records with which a cluster begins. */
export function initialFeatures(): readonly MetadataRecord[] {
  return features
    .filter(({ initial }) => initial > 0)
    .map(({ name, initial }) => featureRecord({ feature: name, maxVersionLevel: initial }))
}

/**
 * All of the updates, or none. Of several for one feature the last one counts.
 * @throws KafkaError INVALID_UPDATE_VERSION saying which one cannot be.
 */
export function updateFeatures(context: ConfigContext, updates: readonly FeatureUpdate[]): Decision<null> {
  const byFeature = new Map(updates.map((update) => [update.feature, update]))
  for (const update of byFeature.values()) {
    const reason = whyNot(context.metadata.featureLevel(update.feature), update)
    if (reason === null) continue
    throw new KafkaError(
      ErrorCode.INVALID_UPDATE_VERSION,
      `No feature was updated: ${update.feature} cannot go to level ${update.maxVersionLevel}. ${reason}`,
    )
  }
  const records = Array.from(byFeature.values(), featureRecord)
  const elrLevel = byFeature.get(ELR_VERSION)?.maxVersionLevel ?? 0
  return { records: elrLevel > 0 ? [...records, ...pinMinInSyncReplicas(context)] : records, response: null }
}

function whyNot(
  current: number,
  { feature, maxVersionLevel: level, upgradeType }: FeatureUpdate,
): string | null {
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    return `There is no upgrade type ${upgradeType}.`
  }
  if (level < 0) return 'No level is below 0.'
  const supported = features.find(({ name }) => name === feature)
  if (supported === undefined) return 'This controller does not know the feature.'
  const { minSupported, maxSupported } = supported
  if (level < minSupported || level > maxSupported) {
    return `This controller supports levels ${minSupported} to ${maxSupported}.`
  }
  if (level > current && upgradeType !== UpgradeType.UPGRADE) {
    return `It is at level ${current}, and the upgrade type asks for a downgrade.`
  }
  if (level >= current) return null
  if (upgradeType === UpgradeType.UPGRADE) {
    return `It is at level ${current}, and the upgrade type asks for no downgrade.`
  }
  if (feature === METADATA_VERSION) return 'Metadata that only the present level has would be lost.'
  return feature === KRAFT_VERSION ? 'It never goes down.' : null
}

function featureRecord({
  feature,
  maxVersionLevel,
}: Pick<FeatureUpdate, 'feature' | 'maxVersionLevel'>): MetadataRecord {
  return { name: 'FeatureLevelRecord', value: { name: feature, featureLevel: maxVersionLevel } }
}
