import { listTransactionsApi } from '../../../src/wire/messages/list-transactions.ts'
import { type CaseContext, differential } from '../case.ts'
import { IMPLICIT, NOBODYS_PRODUCER_ID, TransactionalProducer } from './transactional-producer.ts'

/** An empty transaction, an open one, a committed and an aborted one, and the producer ids to find just these. */
async function four(t: CaseContext): Promise<readonly bigint[]> {
  const topic = await t.topic('a')
  const all: TransactionalProducer[] = []
  for (const suffix of ['empty', 'open', 'committed', 'aborted']) {
    const producer = await TransactionalProducer.start(t, suffix)
    if (suffix !== 'empty') await producer.write(topic, 0, IMPLICIT)
    if (suffix === 'committed' || suffix === 'aborted') await producer.end(suffix === 'committed', 5)
    all.push(producer)
  }
  return all.map(({ producerId }) => producerId)
}

for (const version of [0, 1, 2]) {
  differential('ListTransactions', `v${version} by producer ids`, async (t) => {
    const producerIdFilters = [...(await four(t)), NOBODYS_PRODUCER_ID, -1n]
    return t.send(listTransactionsApi, version, { producerIdFilters })
  })
  for (const stateFilters of [
    ['Ongoing', 'Empty'],
    ['CompleteCommit', 'CompleteAbort', 'PrepareCommit', 'PrepareAbort', 'Dead', 'PrepareEpochFence'],
    ['Ongoing', 'Nonsense', '', 'ongoing', 'Nonsense'],
    ['Nonsense'],
  ]) {
    differential('ListTransactions', `v${version} by the states ${stateFilters.join(' ')}`, async (t) => {
      const producerIdFilters = await four(t)
      return t.send(listTransactionsApi, version, { producerIdFilters, stateFilters })
    })
  }
}
differential('ListTransactions', "v0 nobody's producer id", (t) =>
  t.send(listTransactionsApi, 0, { producerIdFilters: [NOBODYS_PRODUCER_ID] }),
)
differential('ListTransactions', 'v0 everything', async (t) => {
  const ids = await four(t)
  const { transactionStates, ...rest } = await t.send(listTransactionsApi, 0, {})
  return {
    ...rest,
    transactionStates: transactionStates.filter(({ producerId }) => ids.includes(producerId)),
  }
})
for (const [condition, durationFilter] of [
  ['less than nothing', -2n],
  ['an hour', 3_600_000n],
  ['as long as can be', 9_223_372_036_854_775_807n],
] as const) {
  differential('ListTransactions', `v1 by a duration of ${condition}`, async (t) => {
    const producerIdFilters = await four(t)
    return t.send(listTransactionsApi, 1, { producerIdFilters, durationFilter })
  })
}
/** The clock is the broker's: a transaction has to be there for a moment to be older than that. */
for (const durationFilter of [0n, 50n]) {
  differential('ListTransactions', `v1 those of more than ${durationFilter} ms`, async (t) => {
    const producerIdFilters = await four(t)
    const list = () => t.send(listTransactionsApi, 1, { producerIdFilters, durationFilter })
    await t.poll('all to be old enough', async () => (await list()).transactionStates.length === 4)
    return list()
  })
}
const patterns = [
  ['that matches one', '.*four.*open'],
  ['that matches all', '.*'],
  ['that matches a part', 'open'],
  ['of alternatives', '.*(open|empty)$'],
  ['that is empty', ''],
  ['that is not one', '['],
  ['that is not one, with a bad repetition', '*open'],
  ['with a look ahead', '.*(?=open).*'],
  ['with a reference back', '.*(.)\\1.*'],
  ['with flags', '(?i).*OPEN'],
  ['with a class', '.*\\.[[:alpha:]]+'],
  ['with possessive repetition', '.*+open'],
] as const
for (const [condition, pattern] of patterns) {
  differential('ListTransactions', `v2 a pattern ${condition}`, async (t) => {
    const producerIdFilters = await four(t)
    const transactionalIdPattern = pattern.replace('four', 'list')
    return t.send(listTransactionsApi, 2, { producerIdFilters, transactionalIdPattern })
  })
}
