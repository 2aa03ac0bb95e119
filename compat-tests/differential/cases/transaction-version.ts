/** What the level of the feature transaction.version changes: each case sets it, and sets it back. */
import { addPartitionsToTxnApi } from '../../../src/wire/messages/add-partitions-to-txn.ts'
import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { updateFeaturesApi } from '../../../src/wire/messages/update-features.ts'
import { type CaseContext, differential } from '../case.ts'
import { committed, producers, readBack } from './reading.ts'
import {
  EXPLICIT,
  IMPLICIT,
  settled,
  TransactionalProducer,
  transactionalBatch,
} from './transactional-producer.ts'

const FEATURE = 'transaction.version'
const HIGHEST = 2
const [UPGRADE, DOWNGRADE] = [1, 2]
const software = { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' }

async function setLevel(t: CaseContext, maxVersionLevel: number, upgradeType: number): Promise<void> {
  const helper = await t.helper()
  const featureUpdates = [{ feature: FEATURE, maxVersionLevel, upgradeType }]
  const answer = await helper.send(updateFeaturesApi, 1, { timeoutMs: 30_000, featureUpdates })
  if (answer.errorCode !== 0)
    throw new Error(`cannot set ${FEATURE} to ${maxVersionLevel}: ${answer.errorCode}`)
  await t.poll(`${FEATURE} to be ${maxVersionLevel}`, async () => {
    const { finalizedFeatures } = await helper.send(apiVersionsApi, 3, software)
    const level = finalizedFeatures.find(({ name }) => name === FEATURE)?.maxVersionLevel ?? 0
    return level === maxVersionLevel
  })
}

function atLevel(
  level: number,
  api: string,
  condition: string,
  run: (t: CaseContext, producer: TransactionalProducer) => Promise<unknown>,
): void {
  const name = `${condition}, at level ${level} of transactions`
  const wrapped = async (t: CaseContext): Promise<unknown> => {
    await setLevel(t, level, DOWNGRADE)
    try {
      return await run(t, await TransactionalProducer.start(t))
    } finally {
      await setLevel(t, HIGHEST, UPGRADE)
    }
  }
  differential(api, name, wrapped, true)
}

for (const level of [1, 0]) {
  for (const version of [3, 4]) {
    atLevel(level, 'ApiVersions', `v${version} the features`, async (t) => {
      const answer = await t.send(apiVersionsApi, version, software)
      const only = <T extends { readonly name: string }>(features: readonly T[]): readonly T[] =>
        features.filter(({ name }) => name === FEATURE)
      return {
        errorCode: answer.errorCode,
        supported: only(answer.supportedFeatures),
        finalized: only(answer.finalizedFeatures),
      }
    })
  }
  for (const committedEnd of [true, false]) {
    const what = committedEnd ? 'a commit' : 'an abort'
    atLevel(level, 'EndTxn', `v4 ${what}`, async (t, producer) => {
      const topic = await t.topic('a')
      await producer.add(topic)
      await producer.write(topic)
      const answer = await producer.sendEnd(4, committedEnd)
      await producer.ended()
      const stored = await readBack(t, topic)
      return { answer, described: await producer.describe(), stored, known: await producers(t, topic) }
    })
  }
  atLevel(level, 'EndTxn', 'v4 an end of nothing', async (_, producer) => {
    const abort = await producer.sendEnd(4, false)
    return { abort, commit: await producer.sendEnd(4, true), described: await producer.describe() }
  })
  atLevel(level, 'AddPartitionsToTxn', 'v5 verification, then a partition is added', async (t, producer) => {
    const topic = await t.topic('a')
    const transaction = { ...producer.identity, topics: [{ name: topic.name, partitions: [0] }] }
    const verified = await t.send(addPartitionsToTxnApi, 5, {
      transactions: [{ ...transaction, verifyOnly: true }],
    })
    const added = await t.send(addPartitionsToTxnApi, 5, { transactions: [transaction] })
    return { verified, added, described: await producer.describe() }
  })
  atLevel(level, 'AddPartitionsToTxn', 'v3 a partition', async (t, producer) => {
    await producer.add(await t.topic('a'))
    return producer.describe()
  })
  // What follows such a refusal at level 0 is not asked: Kafka lets the transactional id hang.
  atLevel(level, 'Produce', 'v12 a partition that has not been added', async (t, producer) =>
    producer.send(IMPLICIT, await t.topic('a'), transactionalBatch(producer, 0)),
  )
  atLevel(level, 'EndTxn', 'v5 an abort of nothing', (_, producer) => producer.sendEnd(5, false))
  atLevel(level, 'EndTxn', 'v5 a commit of nothing', (_, producer) => producer.sendEnd(5, true))
  atLevel(level, 'EndTxn', 'v5 a commit of what Produce v11 wrote', async (t, producer) => {
    const topic = await t.topic('a')
    await producer.add(topic)
    await producer.write(topic)
    const answer = await producer.sendEnd(5, true)
    if (answer.errorCode === 0) await producer.ended()
    return { answer, described: await producer.describe(), stored: await readBack(t, topic) }
  })
  atLevel(level, 'TxnOffsetCommit', 'v5 a group that has not been added', async (t, producer) => {
    const [topic, groupId] = [await t.topic('a'), await t.group('g')]
    const answer = await producer.sendOffset(5, groupId, topic, 7n)
    return { answer, after: await committed(t, groupId, topic) }
  })
  atLevel(level, 'InitProducerId', 'v5 a transaction is open', async (t, producer) => {
    const topic = await t.topic('a')
    await producer.add(topic)
    await producer.write(topic)
    const refused = await producer.init(5)
    const restarted = await settled(t, () => producer.init(5))
    return { refused, restarted, stored: await readBack(t, topic) }
  })
  atLevel(level, 'EndTxn', 'v4 a transaction that has timed out', async (t, producer) => {
    const topic = await t.topic('a')
    await producer.restart({ transactionTimeoutMs: 100 })
    await producer.add(topic)
    await producer.write(topic)
    await producer.ended()
    const stored = await readBack(t, topic)
    const abort = await producer.sendEnd(4, false)
    const late = await producer.send(EXPLICIT, topic, transactionalBatch(producer, 2))
    return { stored, abort, late, restarted: await settled(t, () => producer.init(5)) }
  })
}
for (const [from, to] of [
  [HIGHEST, 1],
  [1, HIGHEST],
] as const) {
  const name = `v5 a transaction from level ${from} to level ${to} of transactions`
  const run = async (t: CaseContext): Promise<unknown> => {
    const topic = await t.topic('a')
    const producer = await TransactionalProducer.start(t)
    try {
      if (from !== HIGHEST) await setLevel(t, from, DOWNGRADE)
      await producer.write(topic, 0, IMPLICIT)
      await setLevel(t, to, to > from ? UPGRADE : DOWNGRADE)
      const next = await producer.send(IMPLICIT, topic, transactionalBatch(producer, 2))
      const answer = await producer.sendEnd(5, true)
      await producer.ended()
      return { next, answer, described: await producer.describe(), stored: await readBack(t, topic) }
    } finally {
      if (to !== HIGHEST) await setLevel(t, HIGHEST, UPGRADE)
    }
  }
  differential('EndTxn', name, run, true)
}
