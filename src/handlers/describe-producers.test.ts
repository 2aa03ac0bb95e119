/** Time, which the differential suite cannot wait for. */
import { expect, it } from 'vitest'
import { producedBatch, records } from '../log/test-log.suite.ts'
import { describeProducersHandler } from './describe-producers.ts'
import { produce, type TestBroker, testBroker } from './harness.suite.ts'

const HOUR_MS = 3_600_000

async function producerIds(broker: TestBroker): Promise<bigint[] | undefined> {
  const topics = [{ name: 'orders', partitionIndexes: [0] }]
  const answer = await broker.ask(describeProducersHandler, 0, { topics })
  return answer.topics[0]?.partitions[0]?.activeProducers.map(({ producerId }) => producerId)
}

it('forgets producers that have been idle for producer.id.expiration.ms, without their help', async () => {
  const broker = await testBroker({
    topics: ['orders'],
    config: { 'producer.id.expiration.ms': String(HOUR_MS) },
  })
  const write = (producerId: bigint) => {
    const now = BigInt(broker.clock.now())
    const batch = producedBatch(records(1, now), { producerId, producerEpoch: 0, baseSequence: 0 })
    return produce(broker, 'orders', batch)
  }
  await write(1n)
  await broker.clock.advance(HOUR_MS / 2)
  await write(2n)
  expect(await producerIds(broker)).toEqual([1n, 2n])
  await broker.clock.advance(HOUR_MS / 2)
  expect(await producerIds(broker)).toEqual([2n])
  await broker.clock.advance(HOUR_MS)
  expect(await producerIds(broker)).toEqual([])
})
