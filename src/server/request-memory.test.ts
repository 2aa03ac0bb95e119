import { expect, it } from 'vitest'
import { CloseConnection } from './close-connection.ts'
import { deferred, heartbeat, sized, startTestBroker } from './raw-client.suite.ts'
import { type RequestClaim, RequestMemory } from './request-memory.ts'

const KIB = 1024
const MIB = 1024 * KIB

function claims(memory: RequestMemory, count: number): { claims: RequestClaim[]; granted: number[] } {
  const granted: number[] = []
  return {
    claims: Array.from({ length: count }, (_, index) => memory.claim(() => granted.push(index))),
    granted,
  }
}

it('lets requests wait that do not fit, and go on in their order when there is room', () => {
  const memory = new RequestMemory({ maxBytes: 12 * MIB })
  const { claims: all, granted } = claims(memory, 4)
  // A quarter is kept for small ones.
  const asked = all.map((claim) => claim.ask(4 * MIB))
  expect(asked).toEqual([true, true, false, false])
  expect(all.map(({ waiting }) => waiting)).toEqual([false, false, true, true])
  expect(all[2]!.ask(4 * MIB)).toBe(false)
  all[0]!.giveBack(all[0]!.handOver())
  expect(granted).toEqual([2])
  expect(all[2]!.ask(4 * MIB)).toBe(true)
  all[3]!.end()
  all[1]!.end()
  all[2]!.end()
  expect([memory.usedBytes, granted]).toEqual([0, [2]])
})

it('keeps some for small requests, counts no tiny ones, and lets a large one through that is alone', () => {
  const memory = new RequestMemory({ maxBytes: 64 * MIB })
  const { claims: all, granted } = claims(memory, 6)
  expect(all[0]!.ask(80 * MIB)).toBe(true)
  expect(all[1]!.ask(KIB)).toBe(true)
  expect(memory.usedBytes).toBe(80 * MIB)
  expect([4, 4, 4, 4].map((size, index) => all[index + 1]!.ask(size * MIB))).toEqual(Array(4).fill(true))
  expect([all[5]!.ask(MIB), memory.usedBytes]).toEqual([false, 96 * MIB])
  all[1]!.end()
  expect([granted, all[1]!.ask(8 * MIB)]).toEqual([[5], false])
  all[0]!.end()
  expect([granted, memory.usedBytes]).toEqual([[5, 1], 21 * MIB])
})

it('reads no request that would take most of the memory', () => {
  const memory = new RequestMemory({ maxBytes: -1, usableBytes: 128 * MIB })
  const [claim] = claims(memory, 1).claims
  expect(memory.maxBytes).toBe(16 * MIB)
  expect(claim!.ask(33 * MIB)).toBe(false)
  expect(() => claim!.check()).toThrow(CloseConnection)
  claim!.end()
  expect(memory.usedBytes).toBe(0)
})

it('does not read a connection whose request has no room, until one that has is answered', async () => {
  const answer = deferred<number>()
  const requestMemory = new RequestMemory({ maxBytes: 300 * KIB })
  const { connect, seen, listener } = await startTestBroker({
    requestMemory,
    behaviours: { slow: () => answer.promise },
  })
  // What stands behind a request's body is not read, and takes its memory all the same.
  const large = (group: string, id: number): Buffer =>
    sized(Buffer.concat([heartbeat(group, id).subarray(4), Buffer.alloc(200 * KIB)]))
  const [first, second, third] = await Promise.all([connect(), connect(), connect()])
  first.send(large('slow', 1))
  while (seen.calls.length < 1) await new Promise(setImmediate)
  second.send(large('quick', 2))
  third.send(heartbeat('small', 3))
  expect(await third.correlationIds(1)).toEqual([3])
  expect([seen.calls.length, requestMemory.usedBytes]).toEqual([
    2,
    200 * KIB + heartbeat('slow', 1).length - 4,
  ])
  answer.resolve(0)
  expect([await first.correlationIds(1), await second.correlationIds(1)]).toEqual([[1], [2]])
  expect(requestMemory.usedBytes).toBe(0)
  await listener.stop()
})

it('answers a request that has waited for its memory behind the one that it waited for', async () => {
  const answer = deferred<number>()
  const { connect, seen } = await startTestBroker({
    requestMemory: new RequestMemory({ maxBytes: 250 * KIB }),
    behaviours: { slow: () => answer.promise },
  })
  const padded = (group: string, id: number, bytes: number): Buffer =>
    sized(Buffer.concat([heartbeat(group, id).subarray(4), Buffer.alloc(bytes)]))
  const client = await connect()
  client.send(padded('slow', 1, 200 * KIB))
  while (seen.calls.length < 1) await new Promise(setImmediate)
  // All of it is there, although it has no memory yet: it came in parts so small that reading went on.
  const second = padded('quick', 2, 80 * KIB)
  for (let at = 0; at < second.length; at += 30 * KIB) {
    client.send(second.subarray(at, at + 30 * KIB))
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  }
  answer.resolve(0)
  expect(await client.correlationIds(2)).toEqual([1, 2])
})
