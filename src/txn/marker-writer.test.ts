import { describe, expect, it } from 'vitest'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { MarkerWriter } from './marker-writer.ts'

const marker: TransactionMarker = {
  producerId: 7n,
  producerEpoch: 0,
  coordinatorEpoch: 0,
  commit: true,
  transactionVersion: 2,
}

describe('markers', () => {
  const written: string[] = []
  const durable = Promise.resolve()
  const writer = new MarkerWriter(
    (topic, index) => {
      if (topic === 'missing') throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic)
      return {
        appendMarker() {
          written.push(`${topic}-${index}`)
          return { durable } as never
        },
      }
    },
    { completeTransaction: (partition) => void written.push(`group ${partition}`) },
  )

  it('are written into data partitions, and are done when they are durable', () => {
    expect(writer.write('t', 3, marker)).toBe(durable)
    expect(written.splice(0)).toEqual(['t-3'])
  })

  it('go through the groups to their offsets', () => {
    expect(writer.write('__consumer_offsets', 4, marker)).toBe(undefined)
    expect(written.splice(0)).toEqual(['group 4'])
  })

  it('have nowhere to go where there is no partition', () => {
    expect(() => writer.write('missing', 0, marker)).toThrow('missing')
  })
})
