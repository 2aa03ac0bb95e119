import { type InitProducerIdRequest, initProducerIdApi } from '../../../src/wire/messages/init-producer-id.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

const idempotent = { transactionalId: null, transactionTimeoutMs: 60_000 }

for (const version of [0, 1, 2, 3, 4, 5]) {
  differential('InitProducerId', `v${version} two idempotent producers`, async (t) => {
    await untilGiven(t)
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
    await untilGiven(t)
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
    await untilGiven(t)
    const transactionalId = await t.transactionalId('txn')
    return t.send(initProducerIdApi, 4, { ...idempotent, transactionalId, ...more })
  })
}

/** Waits until producer ids are there to be given: Kafka's broker asks its controller for them. */
async function untilGiven(t: CaseContext): Promise<void> {
  const helper = await t.helper()
  await t.poll(
    'producer ids',
    async () => (await helper.send(initProducerIdApi, 4, idempotent)).errorCode === 0,
  )
}
