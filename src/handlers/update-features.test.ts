/** What changes for clients when features do: the differential suite cannot change them for a broker that all cases share. */
import { expect, it } from 'vitest'
import { UpgradeType } from '../metadata/feature-control.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { apiVersionsHandler } from './api-versions.ts'
import { describeQuorumHandler } from './describe-quorum.ts'
import { type TestBroker, testBroker } from './harness.suite.ts'
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
  expect(before.features).toEqual({ [ELR]: 1, 'metadata.version': 30 })
  await update(broker, { [ELR]: 0 }, UpgradeType.SAFE_DOWNGRADE)
  const without = await told(broker)
  expect(without.features).toEqual({ 'metadata.version': 30 })
  expect(without.epoch).toBeGreaterThan(before.epoch)
  await update(broker, { [ELR]: 1 })
  const after = await told(broker)
  expect(after.features).toEqual(before.features)
  expect(after.epoch).toBeGreaterThan(without.epoch)
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
