import { expect, it } from 'vitest'
import type { Decision } from './decision.ts'
import { Metadata } from './metadata.ts'
import { ProducerIds } from './producer-ids.ts'

/** A controller that only applies. */
function controllerOf(metadata: Metadata) {
  return {
    async decide<T>(decision: (metadata: Metadata) => Decision<T>): Promise<T> {
      const { records, response } = decision(metadata)
      for (const record of records) metadata.apply(record)
      await null
      return response
    },
  }
}

it('gives each id once, also after the broker has started again', async () => {
  const metadata = new Metadata('cluster')
  const ids = new ProducerIds(controllerOf(metadata), 1)
  expect(await ids.next()).toBe(0n)
  expect(ids.next()).toBe(1n)
  const again = new ProducerIds(controllerOf(metadata), 1)
  expect(await again.next()).toBe(1000n)
  expect(metadata.endOffset).toBe(2n)
})

it('takes another block when one is used up, whoever asks meanwhile', async () => {
  const metadata = new Metadata('cluster')
  const ids = new ProducerIds(controllerOf(metadata), 1)
  const given = await Promise.all(Array.from({ length: 2_500 }, () => ids.next()))
  expect(new Set(given).size).toBe(2_500)
  expect(given.at(-1)).toBe(2_499n)
  expect(metadata.nextProducerId).toBe(3_000n)
})
