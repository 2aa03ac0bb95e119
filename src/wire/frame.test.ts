import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameCutter, FrameError } from './frame.ts'

function framed(...bodies: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = []
  for (const body of bodies) {
    const size = Buffer.alloc(4)
    size.writeInt32BE(body.length)
    parts.push(size, body)
  }
  return Buffer.concat(parts)
}

/** As a socket does: into the room that there is, otherwise into memory that is used for something else afterwards. */
function give(cutter: FrameCutter, bytes: Buffer): number {
  const room = cutter.room()
  if (room !== null) {
    const count = bytes.copy(room)
    cutter.filled(count)
    return count
  }
  const lent = Buffer.from(bytes)
  cutter.push(lent)
  cutter.settle()
  lent.fill(0xee)
  return bytes.length
}

function takeAll(cutter: FrameCutter): Buffer[] {
  const frames: Buffer[] = []
  for (let frame = cutter.next(); frame !== null; frame = cutter.next()) frames.push(frame)
  return frames
}

test('however the bytes are cut into chunks, the frames come out as they went in', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })
  const sizes = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(bodies, sizes, fc.integer({ min: 1, max: 4 }), (sent, chunkSizes, takeEvery) => {
      const bytes = framed(...sent)
      const cutter = new FrameCutter(40)
      const received: Buffer[] = []
      let position = 0
      for (let turn = 0; position < bytes.length; turn++) {
        const size = Math.max(chunkSizes[turn % chunkSizes.length] ?? 1, turn % 2)
        position += give(cutter, bytes.subarray(position, position + size))
        if (turn % takeEvery === 0) received.push(...takeAll(cutter))
      }
      received.push(...takeAll(cutter))
      expect(received.map((frame) => [...frame])).toEqual(sent.map((body) => [...body]))
      expect(cutter.bufferedBytes).toBe(0)
    }),
  )
})

test('a chunk is only lent: neither frames nor what is left of it live in its memory', () => {
  const chunk = framed(Buffer.from('ab'), Buffer.from('cd'), Buffer.from('ef'), Buffer.from('gh'))
  const cutter = new FrameCutter(100)
  cutter.push(chunk.subarray(0, -1))
  const frames = [cutter.next(), cutter.next()]
  cutter.settle()
  chunk.fill(0, 0, chunk.length - 1)
  frames.push(...takeAll(cutter))
  cutter.push(chunk.subarray(-1))
  chunk.fill(0)
  frames.push(...takeAll(cutter))
  expect(frames.map(String)).toEqual(['ab', 'cd', 'ef', 'gh'])
})

test('a frame that spans chunks is copied into a buffer that holds nothing else', () => {
  const body = Buffer.alloc(100_000, 7)
  const cutter = new FrameCutter(body.length)
  const bytes = framed(body, Buffer.from('next'))
  const frames: Buffer[] = []
  for (let position = 0; position < bytes.length; position += 30_000) {
    cutter.push(bytes.subarray(position, position + 30_000))
    frames.push(...takeAll(cutter))
  }
  expect(frames.map((frame) => frame.length)).toEqual([100_000, 4])
  expect(frames[0]?.buffer.byteLength).toBe(100_000)
})

test('of a large frame all but the beginning is read straight into its memory', () => {
  const body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index))
  const cutter = new FrameCutter(body.length)
  const bytes = framed(body)
  expect(give(cutter, bytes.subarray(0, 10_000))).toBe(10_000)
  expect(cutter.next()).toBe(null)
  expect(cutter.room()).toHaveLength(90_004)
  expect(give(cutter, bytes.subarray(10_000))).toBe(90_004)
  expect(cutter.room()).toBe(null)
  expect(cutter.bufferedBytes).toBe(100_004)
  expect(cutter.next()?.equals(body)).toBe(true)
  expect(cutter.bufferedBytes).toBe(0)
})

test('a size that is only claimed takes no memory', () => {
  const claimed = Buffer.alloc(4 + 1000)
  claimed.writeInt32BE(100_000_000)
  const before = process.memoryUsage().arrayBuffers
  const cutters = Array.from({ length: 100 }, () => new FrameCutter(100_000_000))
  for (const cutter of cutters) {
    cutter.push(claimed)
    expect(cutter.next()).toBe(null)
    cutter.push(claimed)
    expect(cutter.next()).toBe(null)
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
})

test('says how much it holds, and holds nothing when all frames are taken', () => {
  const cutter = new FrameCutter(100)
  const bytes = framed(Buffer.alloc(10), Buffer.alloc(20))
  cutter.push(bytes.subarray(0, 16))
  expect(cutter.bufferedBytes).toBe(16)
  expect(cutter.next()).toHaveLength(10)
  expect(cutter.bufferedBytes).toBe(2)
  expect(cutter.next()).toBe(null)
  cutter.push(bytes.subarray(16, 20))
  expect(cutter.next()).toBe(null)
  expect(cutter.bufferedBytes).toBe(6)
  cutter.push(bytes.subarray(20))
  expect(cutter.next()).toHaveLength(20)
  expect(cutter.bufferedBytes).toBe(0)
  expect(cutter.next()).toBe(null)
})

test.each([-1, -(2 ** 31), 101, 2 ** 31 - 1, 0x47455420])(
  'a size of %d is refused, however it arrives',
  (size) => {
    const header = Buffer.alloc(4)
    header.writeInt32BE(size)
    for (const cut of [0, 1, 2, 3, 4]) {
      const cutter = new FrameCutter(100)
      cutter.push(framed(Buffer.from('good')))
      cutter.push(header.subarray(0, cut))
      expect(String(cutter.next())).toBe('good')
      cutter.push(header.subarray(cut))
      expect(() => cutter.next()).toThrow(FrameError)
      expect(cutter.bufferedBytes).toBe(0)
    }
  },
)

test('the largest and the smallest frame', () => {
  const cutter = new FrameCutter(100)
  cutter.push(framed(Buffer.alloc(100, 1), Buffer.alloc(0)))
  expect(takeAll(cutter).map((frame) => frame.length)).toEqual([100, 0])
})

test('a big frame in chunks of one byte comes out whole, in linear time', () => {
  const body = Buffer.alloc(1_000_000, 7)
  const bytes = framed(body)
  const cutter = new FrameCutter(body.length)
  let frame: Buffer | null = null
  for (let position = 0; position < bytes.length; position++) {
    cutter.push(bytes.subarray(position, position + 1))
    frame = cutter.next()
  }
  expect(frame?.equals(body)).toBe(true)
})
