/** Batches with a few bytes changed: each is refused with an error of the protocol, or can be read afterwards. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as batch from '../wire/batch.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { buildCompressedBatch, readRecords } from '../wire/records.ts'
import { type CompressionType, defaultLogConfig, targetCodec } from './log-config.ts'
import { checkProducedRecords, isTransactionalRequest } from './produced-records.ts'
import { encoded } from './test-log.suite.ts'
import { type ValidatedBatch, validateBatch } from './validate-batch.ts'

const types: readonly CompressionType[] = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']

const mutated = fc.record({
  codec: fc.constantFrom(0, 0, 0, 1, 2, 3, 4),
  count: fc.integer({ min: 1, max: 4 }),
  type: fc.constantFrom<CompressionType>('producer', ...types),
  rightChecksum: fc.boolean(),
  changes: fc.array(
    fc.record({
      at: fc.oneof(fc.nat(70), fc.nat(200)),
      to: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
    }),
    { maxLength: 4 },
  ),
  cut: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(80)),
})

it('survives mutated batches', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, async ({ codec, count, type, rightChecksum, changes, cut }) => {
      const records = Array.from({ length: count }, (_, index) =>
        encoded({ timestamp: 5n, value: `value ${index}`, headers: [{ key: 'h', value: Buffer.from('x') }] }),
      )
      const whole = await buildCompressedBatch(records, codec as batch.Codec)
      for (const { at, to } of changes) whole[at % whole.length] = to
      const lengthFits = batch.batchLength(whole) === whole.length - batch.LOG_OVERHEAD_BYTES
      if (rightChecksum && lengthFits) batch.setCrc(whole)
      const frame = whole.subarray(0, whole.length - cut)
      let validated: ValidatedBatch
      try {
        isTransactionalRequest(frame)
        checkProducedRecords(frame, 9)
        validated = await validateBatch(frame, {
          topicPartition: 'orders-3',
          config: { ...defaultLogConfig, compressionType: type },
          nowMs: 1_000_000,
        })
      } catch (error) {
        expect(error).toBeInstanceOf(KafkaError)
        return
      }
      expect(batch.isCrcValid(validated.frame)).toBe(true)
      expect(validated.frame.length).toBe(batch.LOG_OVERHEAD_BYTES + batch.batchLength(validated.frame))
      expect(batch.maxTimestamp(validated.frame)).toBe(validated.maxTimestamp)
      expect(batch.compressionCodec(validated.frame)).toBe(
        targetCodec(type, batch.compressionCodec(frame) as batch.Codec),
      )
      // Kafka takes compressed records whose sizes are wrong as they are: those alone cannot be read one by one.
      if (batch.compressionCodec(validated.frame) === batch.Codec.NONE) {
        expect(await readRecords(validated.frame)).toHaveLength(batch.lastOffsetDelta(validated.frame) + 1)
      }
    }),
    { numRuns: 3000 },
  )
})
