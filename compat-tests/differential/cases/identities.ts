/** Who a producer may wrongly say that it is: every request of a transaction is asked with each of them. */
import type { CaseContext } from '../case.ts'
import { type Identity, NOBODYS_PRODUCER_ID, type TransactionalProducer } from './transactional-producer.ts'

export type WrongIdentity = (
  identity: Identity,
  t: CaseContext,
) => Partial<Identity> | Promise<Partial<Identity>>

/** For a producer whose epoch is 1. */
export const wrongIdentities: ReadonlyArray<readonly [condition: string, wrong: WrongIdentity]> = [
  [
    'a transactional id that is unknown',
    async (_, t) => ({ transactionalId: await t.transactionalId('unknown') }),
  ],
  ['an empty transactional id', () => ({ transactionalId: '' })],
  ["nobody's producer id", () => ({ producerId: NOBODYS_PRODUCER_ID })],
  ['producer id -1', () => ({ producerId: -1n })],
  ['an old epoch', ({ producerEpoch }) => ({ producerEpoch: producerEpoch - 1 })],
  ['an epoch that is too high', ({ producerEpoch }) => ({ producerEpoch: producerEpoch + 1 })],
  ['epoch -1', () => ({ producerEpoch: -1 })],
]

/** The identity of a producer with what is wrong about it. */
export async function wrongly(
  t: CaseContext,
  { identity }: TransactionalProducer,
  wrong: WrongIdentity,
): Promise<Identity> {
  return { ...identity, ...(await wrong(identity, t)) }
}
