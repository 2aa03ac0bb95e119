/** How a broker's own configs follow the metadata. */
import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigResourceType, type Metadata, type MetadataRecord } from './metadata.ts'

/** Acts on records that the metadata holds already: what they set for this broker, or for all, is in force at once. */
export function followBrokerConfigs(
  config: BrokerConfig,
  brokerId: number,
  metadata: Metadata,
  records: readonly MetadataRecord[],
): void {
  const own = String(brokerId)
  const concerned = records.some(
    ({ name, value }) =>
      name === 'ConfigRecord' &&
      value.resourceType === ConfigResourceType.BROKER &&
      (value.resourceName === '' || value.resourceName === own),
  )
  if (!concerned) return
  config.setDynamic({
    cluster: metadata.configs(ConfigResourceType.BROKER, ''),
    broker: metadata.configs(ConfigResourceType.BROKER, own),
  })
}
