/** Only what changes nothing: the features are the same for every case that runs at the same time. */
import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { type UpdateFeaturesRequest, updateFeaturesApi } from '../../../src/wire/messages/update-features.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Update = Partially<UpdateFeaturesRequest['featureUpdates'][number]>

const [UP, DOWN, UNSAFE_DOWN] = [1, 2, 3]
const ELR = 'eligible.leader.replicas.version'
const TRANSACTIONS = 'transaction.version'

const update = (feature: string, maxVersionLevel: number, upgradeType = UP): Update => ({
  feature,
  maxVersionLevel,
  upgradeType,
})

const check = (t: CaseContext, version: number, ...featureUpdates: readonly Update[]) =>
  t.send(updateFeaturesApi, version, { timeoutMs: 30_000, featureUpdates, validateOnly: true })

for (const version of [1, 2]) {
  differential('UpdateFeatures', `v${version} to the present level`, (t) => check(t, version, update(ELR, 1)))
  differential('UpdateFeatures', `v${version} an unknown feature`, (t) =>
    check(t, version, update('nonsense', 1)),
  )
}

const updates: ReadonlyArray<readonly [condition: string, ...updates: readonly Update[]]> = [
  ['nothing'],
  ['to the present level by a downgrade', update(ELR, 1, DOWN)],
  ['to the present level by an unsafe downgrade', update(ELR, 1, UNSAFE_DOWN)],
  ['down by an upgrade', update(ELR, 0)],
  ['down by a downgrade', update(ELR, 0, DOWN)],
  ['down by an unsafe downgrade', update(ELR, 0, UNSAFE_DOWN)],
  ['to a level that is too high', update(ELR, 2)],
  ['to a negative level', update(ELR, -1)],
  ['to a negative level by a downgrade', update(ELR, -1, DOWN)],
  ['by an upgrade of type 0', update(ELR, 1, 0)],
  ['by an upgrade of type 4', update(ELR, 1, 4)],
  ['by an upgrade of type minus one', update(ELR, 0, -1)],
  ['an unknown feature to level 0', update('nonsense', 0)],
  ['an unknown feature to level 0 by a downgrade', update('nonsense', 0, DOWN)],
  ['an unknown feature to a negative level', update('nonsense', -1)],
  ['a feature without a name', update('', 1)],
  ['the metadata to the present level', update('metadata.version', 30)],
  ['the metadata down by an upgrade', update('metadata.version', 29)],
  ['the metadata down by a downgrade', update('metadata.version', 29, DOWN)],
  ['the metadata down by an unsafe downgrade', update('metadata.version', 29, UNSAFE_DOWN)],
  ['the metadata to the lowest level', update('metadata.version', 7, DOWN)],
  ['the metadata to a level that is too low', update('metadata.version', 6, DOWN)],
  ['the metadata to level 0', update('metadata.version', 0, UNSAFE_DOWN)],
  ['the metadata to a level that is too high', update('metadata.version', 31)],
  ['transactions to the present level', update(TRANSACTIONS, 2)],
  ['transactions down by an upgrade', update(TRANSACTIONS, 1)],
  ['transactions down by a downgrade', update(TRANSACTIONS, 1, DOWN)],
  ['transactions to level 0 by a downgrade', update(TRANSACTIONS, 0, DOWN)],
  ['transactions to level 0 by an unsafe downgrade', update(TRANSACTIONS, 0, UNSAFE_DOWN)],
  ['transactions to a level that is too high', update(TRANSACTIONS, 3)],
  ['transactions to a negative level', update(TRANSACTIONS, -1, DOWN)],
  ['the controllers to the present level', update('kraft.version', 0)],
  ['the controllers up', update('kraft.version', 1)],
  ['the controllers up by a downgrade', update('kraft.version', 1, DOWN)],
  ['the controllers to a level that is too high', update('kraft.version', 2)],
  ['two features', update(ELR, 1), update('kraft.version', 1)],
  ['two features of which one is unknown', update(ELR, 0, DOWN), update('nonsense', 1)],
  ['a feature twice', update(ELR, 1), update(ELR, 1)],
  ['a feature twice, the last time wrong', update(ELR, 1), update(ELR, 2)],
  ['a feature twice, the first time wrong', update(ELR, 2), update(ELR, 1)],
]
for (const [condition, ...list] of updates) {
  differential('UpdateFeatures', `v1 ${condition}`, (t) => check(t, 1, ...list))
}

const v0: ReadonlyArray<readonly [condition: string, ...updates: readonly Update[]]> = [
  ['nothing'],
  ['to the present level', { feature: ELR, maxVersionLevel: 1 }],
  ['to the present level, downgrades allowed', { feature: ELR, maxVersionLevel: 1, allowDowngrade: true }],
  ['down, downgrades allowed', { feature: ELR, maxVersionLevel: 0, allowDowngrade: true }],
  ['down', { feature: ELR, maxVersionLevel: 0 }],
  ['an unknown feature', { feature: 'nonsense', maxVersionLevel: 1 }],
]
for (const [condition, ...featureUpdates] of v0) {
  differential('UpdateFeatures', `v0 ${condition}`, (t) =>
    t.send(updateFeaturesApi, 0, { timeoutMs: 30_000, featureUpdates }),
  )
}
for (const [called, timeoutMs] of [
  ['no time', 0],
  ['less than no time', -1],
] as const) {
  differential('UpdateFeatures', `v2 to the present level in ${called}`, (t) =>
    t.send(updateFeaturesApi, 2, { timeoutMs, featureUpdates: [update(ELR, 1)] }),
  )
}
differential('UpdateFeatures', 'v2 to the present level, and the epoch of the features', async (t) => {
  const epoch = async (): Promise<bigint> => {
    const software = { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' }
    return (await t.send(apiVersionsApi, 4, software)).finalizedFeaturesEpoch
  }
  const before = await epoch()
  const answer = await t.send(updateFeaturesApi, 2, { timeoutMs: 30_000, featureUpdates: [update(ELR, 1)] })
  await t.poll('a higher epoch', async () => (await epoch()) > before)
  return answer
})
