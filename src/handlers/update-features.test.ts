/** What changes for clients when features do: the differential suite cannot change them for a broker that all cases share. */
import { describe, expect, it } from 'vitest'
import { UpgradeType } from '../metadata/feature-control.ts'
import { ConfigResourceType } from '../metadata/metadata.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { apiVersionsHandler } from './api-versions.ts'
import { describeConfigsHandler } from './describe-configs.ts'
import { describeQuorumHandler } from './describe-quorum.ts'
import { type TestBroker, testBroker } from './harness.suite.ts'
import { incrementalAlterConfigsHandler } from './incremental-alter-configs.ts'
import { updateFeaturesHandler } from './update-features.ts'

const ELR = 'eligible.leader.replicas.version'

async function update(
  broker: TestBroker,
  updates: Readonly<Record<string, number>>,
  upgradeType: number = UpgradeType.UPGRADE,
  validateOnly = false,
): Promise<void> {
  const featureUpdates = Object.entries(updates).map(([feature, maxVersionLevel]) => ({
    feature,
    maxVersionLevel,
    upgradeType,
    allowDowngrade: false,
  }))
  const answer = await broker.ask(updateFeaturesHandler, 2, {
    timeoutMs: 1_000,
    featureUpdates,
    validateOnly,
  })
  expect(answer.errorCode).toBe(ErrorCode.NONE)
}

async function told(
  broker: TestBroker,
): Promise<{ features: Readonly<Record<string, number>>; epoch: bigint }> {
  const answer = await broker.ask(apiVersionsHandler, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  })
  const features = (answer.finalizedFeatures ?? []).map(({ name, maxVersionLevel, minVersionLevel }) => {
    expect(minVersionLevel).toBe(maxVersionLevel)
    return [name, maxVersionLevel]
  })
  return { features: Object.fromEntries(features), epoch: answer.finalizedFeaturesEpoch ?? -1n }
}

async function voterDirectory(broker: TestBroker): Promise<string | undefined> {
  const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
  const answer = await broker.ask(describeQuorumHandler, 2, { topics })
  return answer.topics[0]?.partitions[0]?.currentVoters[0]?.replicaDirectoryId
}

it('takes a feature out of force, and puts it back', async () => {
  const broker = await testBroker()
  const before = await told(broker)
  expect(before.features).toEqual({ [ELR]: 1, 'metadata.version': 30, 'transaction.version': 2 })
  await update(broker, { [ELR]: 0 }, UpgradeType.SAFE_DOWNGRADE)
  const without = await told(broker)
  expect(without.features).toEqual({ 'metadata.version': 30, 'transaction.version': 2 })
  expect(without.epoch).toBeGreaterThan(before.epoch)
  await update(broker, { [ELR]: 1 })
  const after = await told(broker)
  expect(after.features).toEqual(before.features)
  expect(after.epoch).toBeGreaterThan(without.epoch)
})

it('goes from one protocol of transactions to another, and back', async () => {
  const broker = await testBroker()
  for (const [level, upgradeType] of [
    [1, UpgradeType.SAFE_DOWNGRADE],
    [2, UpgradeType.UPGRADE],
    [0, UpgradeType.UNSAFE_DOWNGRADE],
    [1, UpgradeType.UPGRADE],
  ] as const) {
    await update(broker, { 'transaction.version': level }, upgradeType)
    expect((await told(broker)).features['transaction.version'] ?? 0).toBe(level)
  }
  await expect(update(broker, { 'transaction.version': 3 })).rejects.toMatchObject({
    code: ErrorCode.INVALID_UPDATE_VERSION,
  })
})

it('changes nothing when it only checks', async () => {
  const broker = await testBroker()
  const before = await told(broker)
  await update(broker, { [ELR]: 0 }, UpgradeType.UNSAFE_DOWNGRADE, true)
  expect(await told(broker)).toEqual(before)
})

it('changes nothing when one of several features cannot be changed', async () => {
  const broker = await testBroker()
  const before = await told(broker)
  await expect(update(broker, { [ELR]: 0, nonsense: 1 }, UpgradeType.SAFE_DOWNGRADE)).rejects.toMatchObject({
    code: ErrorCode.INVALID_UPDATE_VERSION,
  })
  expect(await told(broker)).toEqual(before)
})

it('knows the controllers by their directories once kraft.version says so, and for good', async () => {
  const broker = await testBroker()
  expect(await voterDirectory(broker)).toBe(ZERO_UUID)
  await update(broker, { 'kraft.version': 1 })
  expect((await told(broker)).features['kraft.version']).toBe(1)
  expect(await voterDirectory(broker)).toMatch(/^[\w-]{22}$/)
  expect(await voterDirectory(broker)).not.toBe(ZERO_UUID)
  for (const upgradeType of Object.values(UpgradeType)) {
    await expect(update(broker, { 'kraft.version': 0 }, upgradeType)).rejects.toMatchObject({
      code: ErrorCode.INVALID_UPDATE_VERSION,
    })
  }
})

describe('min.insync.replicas', () => {
  async function set(broker: TestBroker, resourceName: string, value: string | null): Promise<string> {
    const configs = [{ name: 'min.insync.replicas', configOperation: value === null ? 1 : 0, value }]
    const answer = await broker.ask(incrementalAlterConfigsHandler, 1, {
      resources: [{ resourceType: ConfigResourceType.BROKER, resourceName, configs }],
      validateOnly: false,
    })
    return errorName((answer.responses[0]?.errorCode ?? -1) as ErrorCode)
  }

  /** The values that there are for the broker, the one in force first. */
  async function values(broker: TestBroker): Promise<(string | null)[] | undefined> {
    const resource = { resourceType: ConfigResourceType.BROKER, resourceName: '1' }
    const answer = await broker.ask(describeConfigsHandler, 4, {
      resources: [{ ...resource, configurationKeys: ['min.insync.replicas'] }],
      includeSynonyms: true,
      includeDocumentation: false,
    })
    return answer.results[0]?.configs[0]?.synonyms?.map(({ value }) => value)
  }

  it('belongs to the whole cluster while there are eligible leader replicas (KIP-966)', async () => {
    const broker = await testBroker()
    expect(await set(broker, '1', '2')).toBe('INVALID_CONFIG')
    expect(await set(broker, '', null)).toBe('INVALID_CONFIG')
    await update(broker, { [ELR]: 0 }, UpgradeType.SAFE_DOWNGRADE)
    expect(await set(broker, '1', '2')).toBe('NONE')
    expect(await values(broker)).toEqual(['2', '1', '1'])
    expect(await set(broker, '', null)).toBe('NONE')
    expect(await values(broker)).toEqual(['2', '1'])
    await update(broker, { [ELR]: 1 })
    expect(await values(broker)).toEqual(['1', '1'])
    expect(await set(broker, '1', '2')).toBe('INVALID_CONFIG')
  })

  it('keeps what was set for the whole cluster', async () => {
    const broker = await testBroker()
    await update(broker, { [ELR]: 0 }, UpgradeType.SAFE_DOWNGRADE)
    expect(await set(broker, '', '4')).toBe('NONE')
    expect(await set(broker, '1', '2')).toBe('NONE')
    await update(broker, { [ELR]: 1 })
    expect(await values(broker)).toEqual(['4', '1'])
  })
})
