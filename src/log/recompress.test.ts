import { expect, it } from 'vitest'
import { Codec, compressionCodec } from '../wire/batch.ts'
import { buildCompressedBatch } from '../wire/records.ts'
import { defaultLogConfig } from './log-config.ts'
import { recompress } from './recompress.ts'
import { RecordCheck } from './record-check.ts'

const MIB = 2 ** 20

it('compresses large batches anew one after the other, also after one that could not be', async () => {
  const config = { ...defaultLogConfig, compressionType: 'gzip' as const }
  const rules = { topicPartition: 'topic-0', config, nowMs: 0 }
  const ended: number[] = []
  const run = async (id: number, bytes: number, timestamp = 0n): Promise<void> => {
    const frame = await buildCompressedBatch([{ value: Buffer.alloc(bytes), timestamp }], Codec.LZ4)
    const check = new RecordCheck(frame, rules, false)
    const rebuilt = await recompress(frame, Codec.GZIP, check, rules).finally(() => ended.push(id))
    expect(compressionCodec(rebuilt.frame)).toBe(Codec.GZIP)
  }
  const wrong = expect(run(1, 4 * MIB, -5n)).rejects.toThrow('timestamp -5')
  await Promise.all([wrong, run(2, 4 * MIB), run(3, 4 * MIB), run(4, 1000)])
  expect(ended.indexOf(2)).toBeLessThan(ended.indexOf(3))
  expect(ended.filter((id) => id !== 4)).toEqual([1, 2, 3])
})

it('refuses what is too much for the memory that there is', async () => {
  const frame = await buildCompressedBatch([{ value: Buffer.alloc(4 * MIB), timestamp: 0n }], Codec.LZ4)
  const rules = { topicPartition: 'topic-0', config: { ...defaultLogConfig, maxMessageBytes: MIB }, nowMs: 0 }
  await expect(recompress(frame, Codec.NONE, new RecordCheck(frame, rules, false), rules)).rejects.toThrow(
    'records of more than 1048576 bytes',
  )
})
