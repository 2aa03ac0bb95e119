import { type InitProducerIdRequest, initProducerIdApi } from '../../../src/wire/messages/init-producer-id.ts'
import { differential } from '../case.ts'
import type { Partially } from '../client.ts'
import { IMPLICIT, NOBODYS_PRODUCER_ID, settled, TransactionalProducer } from './transactional-producer.ts'

const idempotent = { transactionalId: null, transactionTimeoutMs: 60_000 }

for (const version of [0, 1, 2, 3, 4, 5]) {
  differential('InitProducerId', `v${version} two idempotent producers`, async (t) => {
    await t.producerIds()
    const first = await t.send(initProducerIdApi, version, idempotent)
    return { first, second: await t.send(initProducerIdApi, version, idempotent) }
  })
}

const withoutTransactions: ReadonlyArray<
  readonly [condition: string, more: Partially<InitProducerIdRequest>]
> = [
  ['a timeout of 0', { transactionTimeoutMs: 0 }],
  ['a negative timeout', { transactionTimeoutMs: -1 }],
  ['a producer id and an epoch', { producerId: 5n, producerEpoch: 3 }],
  ['a producer id without an epoch', { producerId: 5n }],
  ['an epoch without a producer id', { producerEpoch: 3 }],
  ['a negative producer id', { producerId: -5n, producerEpoch: -5 }],
  ['an empty transactional id', { transactionalId: '' }],
]
for (const [condition, more] of withoutTransactions) {
  differential('InitProducerId', `v4 ${condition}`, async (t) => {
    await t.producerIds()
    return t.send(initProducerIdApi, 4, { ...idempotent, ...more })
  })
}

const transactional: ReadonlyArray<readonly [condition: string, more: Partially<InitProducerIdRequest>]> = [
  ['a transactional id', {}],
  ['a transactional id and a timeout that is too long', { transactionTimeoutMs: 900_001 }],
  ['a transactional id and a timeout of 0', { transactionTimeoutMs: 0 }],
  ['a transactional id and an unknown producer id', { producerId: 5n, producerEpoch: 0 }],
  ['a transactional id and a producer id without an epoch', { producerId: 5n }],
  ['a transactional id and an epoch without a producer id', { producerEpoch: 3 }],
]
for (const [condition, more] of transactional) {
  differential('InitProducerId', `v4 ${condition}`, async (t) => {
    const transactionalId = await t.transactionalId('txn')
    return t.send(initProducerIdApi, 4, { ...idempotent, transactionalId, ...more })
  })
}

for (const version of [0, 1, 2, 3, 4, 5]) {
  differential('InitProducerId', `v${version} a transactional id, twice`, async (t) => {
    const transactionalId = await t.transactionalId('txn')
    const request = { transactionalId, transactionTimeoutMs: 60_000 }
    const first = await t.send(initProducerIdApi, version, request)
    return { first, second: await t.send(initProducerIdApi, version, request) }
  })
  differential('InitProducerId', `v${version} a transaction is open`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.add(await t.topic('a'))
    const refused = await producer.init(version)
    return { refused, restarted: await settled(t, () => producer.init(version)) }
  })
}

const timeouts = [
  ['of a millisecond', 1],
  ['as long as may be', 900_000],
  ['that is negative', -1],
  ['as negative as can be', -2147483648],
  ['as long as can be written', 2147483647],
] as const
for (const [condition, transactionTimeoutMs] of timeouts) {
  differential('InitProducerId', `v5 a transactional id and a timeout ${condition}`, async (t) => {
    const transactionalId = await t.transactionalId('txn')
    return t.send(initProducerIdApi, 5, { transactionalId, transactionTimeoutMs })
  })
}

type Claim = (producer: TransactionalProducer) => Partially<InitProducerIdRequest>

/** A producer whose epoch is 1 says what it was. */
const claims: ReadonlyArray<readonly [condition: string, claim: Claim]> = [
  ['that are right', ({ producerId, producerEpoch }) => ({ producerId, producerEpoch })],
  [
    'of which the epoch is the one before',
    ({ producerId, producerEpoch }) => ({ producerId, producerEpoch: producerEpoch - 1 }),
  ],
  [
    'of which the epoch is too high',
    ({ producerId, producerEpoch }) => ({ producerId, producerEpoch: producerEpoch + 1 }),
  ],
  ['of which the epoch is the last one', ({ producerId }) => ({ producerId, producerEpoch: 32767 })],
  ['of which the epoch is negative', ({ producerId }) => ({ producerId, producerEpoch: -2 })],
  [
    "of which the id is nobody's",
    ({ producerEpoch }) => ({ producerId: NOBODYS_PRODUCER_ID, producerEpoch }),
  ],
  ['of which the id is negative', ({ producerEpoch }) => ({ producerId: -2n, producerEpoch })],
]
for (const [condition, claim] of claims) {
  differential('InitProducerId', `v4 a producer id and an epoch ${condition}`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.restart()
    return producer.init(4, claim(producer))
  })
}
differential('InitProducerId', 'v3 a producer id and an epoch that are fenced', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const { producerId, producerEpoch } = producer
  await producer.restart()
  await producer.restart()
  const fenced = await producer.init(3, { producerId, producerEpoch })
  return { fenced, newer: await producer.init(4, { producerId, producerEpoch }) }
})
differential('InitProducerId', 'v4 the same claim twice, then one that is too old', async (t) => {
  const producer = await TransactionalProducer.start(t)
  const { producerId, producerEpoch } = producer
  const claim = { producerId, producerEpoch }
  const answers = [await producer.init(4, claim), await producer.init(4, claim)]
  await producer.restart()
  return [...answers, await producer.init(4, claim)]
})
differential('InitProducerId', 'v5 a claim while the transaction is open', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.add(await t.topic('a'))
  const { producerId, producerEpoch } = producer
  const refused = await producer.init(5, { producerId, producerEpoch })
  return { refused, again: await settled(t, () => producer.init(5, { producerId, producerEpoch })) }
})
differential('InitProducerId', 'v5 a wrong claim while the transaction is open', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.restart()
  await producer.add(await t.topic('a'))
  const { producerId } = producer
  const refused = await producer.init(5, { producerId: NOBODYS_PRODUCER_ID, producerEpoch: 0 })
  const older = await producer.init(5, { producerId, producerEpoch: 0 })
  return { refused, older, again: await settled(t, () => producer.init(5)) }
})
for (const version of [4, 5]) {
  differential('InitProducerId', `v${version} after a transaction of the first protocol`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.add(await t.topic('a'))
    await producer.end(true)
    return producer.init(version)
  })
  differential('InitProducerId', `v${version} after a transaction of the second protocol`, async (t) => {
    const producer = await TransactionalProducer.start(t)
    await producer.write(await t.topic('a'), 0, IMPLICIT)
    await producer.end(true, 5)
    return producer.init(version)
  })
}
differential('InitProducerId', 'v5 a claim with the epoch before the end bumped it', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.write(await t.topic('a'), 0, IMPLICIT)
  const { producerId, producerEpoch } = producer
  await producer.end(true, 5)
  const older = await producer.init(5, { producerId, producerEpoch })
  return { older, right: await producer.init(5, { producerId, producerEpoch: producer.producerEpoch }) }
})
differential('InitProducerId', 'v5 the timeout of the latest start counts', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.init(5, { transactionTimeoutMs: 1234 })
  return producer.describe()
})

const transactionalIds = [
  ['with a space and umlauts', 'a b\u00e4\u00f6\u00fc'],
  ['with a line feed', 'a\nb'],
  ['of 1000 characters', 'x'.repeat(1000)],
] as const
for (const [condition, suffix] of transactionalIds) {
  differential('InitProducerId', `v2 a transactional id ${condition}`, async (t) => {
    const producer = await TransactionalProducer.start(t, suffix)
    return producer.init(2)
  })
}
differential('InitProducerId', 'v5 a producer id whose epochs are used up', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.useUpEpochs(32_764)
  const last = [await producer.init(5), await producer.init(5)]
  await producer.restart()
  const claim = { producerId: producer.producerId, producerEpoch: producer.producerEpoch }
  return [...last, await producer.init(5, claim), await producer.init(5)]
})
differential('InitProducerId', 'v5 a claim of the last epoch', async (t) => {
  const producer = await TransactionalProducer.start(t)
  await producer.useUpEpochs(32_766)
  const { producerId, producerEpoch } = producer
  const first = await producer.init(5, { producerId, producerEpoch })
  const again = await producer.init(5, { producerId, producerEpoch })
  return { producerId: first.producerId === producerId, first, again }
})
