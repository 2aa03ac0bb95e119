/**
 * Hostile bytes: a million frames in process and twenty thousand over sockets, mutated from one valid request for each API
 * and version. FUZZ_FRAMES=100000000 runs longer, FUZZ_SEED repeats a run, and FUZZ_TRACE
 * names a file that always holds the last frame, should the process not survive it.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom, systemClock } from '../../clock.ts'
import { handler } from '../../handlers/handler.ts'
import type { Services } from '../../handlers/services.ts'
import type { Api } from '../../wire/message.ts'
import { apiVersionsApi } from '../../wire/messages/api-versions.ts'
import { type HeartbeatResponse, heartbeatApi } from '../../wire/messages/heartbeat.ts'
import type { Reader } from '../../wire/reader.ts'
import { Dispatcher } from '../dispatch.ts'
import { frameOf, RawClient, sized } from '../raw-client.suite.ts'
import { Chance } from './chance.suite.ts'
import { ErrorLines, type Finding, fuzz, usedBytes } from './harness.suite.ts'
import { mutate } from './mutate.suite.ts'
import { startTarget } from './target.suite.ts'

const { FUZZ_FRAMES, FUZZ_SEED, FUZZ_TRACE } = process.env
const FRAMES = Number(FUZZ_FRAMES ?? 1_000_000)
const SOCKET_FRAMES = 20_000
const SEED = Number(FUZZ_SEED ?? Date.now() % 2 ** 31)
/** A fresh broker now and then, so that what such requests may rightly leave behind (records, groups) stays small. */
const FRAMES_PER_BROKER = 250_000
const MAX_GROWTH_BYTES = 32 * 1024 * 1024

console.log(`FUZZ_SEED=${SEED}`)

// Two of three frames end as errors whose stack nobody looks at; when a run is repeated for its findings, somebody does.
if (FUZZ_SEED === undefined) Error.stackTraceLimit = 0

test(`${FRAMES} mutated frames do no harm in process`, { timeout: 120_000 + FRAMES / 5 }, async () => {
  const totals = { answered: 0, unanswered: 0, closed: 0, waited: 0 }
  const run = async (count: number, seed: number, before: number): Promise<void> => {
    const target = await startTarget(seed)
    const report = await fuzz({ ...target, count, seed, traceFile: FUZZ_TRACE })
    expect(report.findings).toEqual([])
    for (const key of ['answered', 'unanswered', 'closed', 'waited'] as const) totals[key] += report[key]
    expect(usedBytes() - before).toBeLessThan(MAX_GROWTH_BYTES)
    await target.stop()
  }
  // What the engine compiles and keeps at first is not held against the rest.
  await run(10_000, SEED - 1, usedBytes())
  const before = usedBytes()
  for (let sent = 0, part = 0; sent < FRAMES; sent += FRAMES_PER_BROKER, part++) {
    await run(Math.min(FRAMES_PER_BROKER, FRAMES - sent), SEED + part, before)
  }
  const grownBytes = usedBytes() - before
  console.log(`${FRAMES} frames in process:`, totals, { grownBytes })
  expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES)
  // Frames that are all turned away at the door would prove nothing.
  expect(totals.answered).toBeGreaterThan(FRAMES / 5)
})

test(`${SOCKET_FRAMES} mutated frames do no harm over sockets`, { timeout: 120_000 }, async () => {
  const target = await startTarget(SEED)
  const bystander = await RawClient.connect(target.port)
  const question = frameOf(apiVersionsApi, 0, { clientSoftwareName: '', clientSoftwareVersion: '' }, 1)
  const before = usedBytes()
  let sent = 0
  const frame = fc.record({ index: fc.nat(target.frames.length - 1), seed: fc.integer() })
  const frames = fc.array(frame, { minLength: 1, maxLength: 20, size: 'max' })
  await fc.assert(
    fc.asyncProperty(frames, async (plan) => {
      sent += plan.length
      const client = await RawClient.connect(target.port)
      for (const { index, seed } of plan) sendInPieces(client, target.frames, index, new Chance(seed))
      client.socket.end()
      // Whatever was sent, the connection comes to its end, if need be when a little time has passed.
      for (let turns = 1; !client.ended; turns++) {
        await new Promise((resolve) => setImmediate(resolve))
        if (turns % 100 === 0) await target.clock.advance(5_000)
        if (turns > 2_000) throw new Error('the connection hangs')
      }
      client.socket.destroy()
      bystander.send(question)
      if ((await bystander.answer()) === null) throw new Error('a connection that did nothing was closed')
      const errors = target.errors.take()
      if (errors.length > 0) throw new Error(errors.join('\n'))
    }),
    { seed: SEED, numRuns: Math.ceil(SOCKET_FRAMES / 10), endOnFailure: false },
  )
  expect(sent).toBeGreaterThan(SOCKET_FRAMES * 0.9)
  bystander.socket.destroy()
  await target.stop()
  const grownBytes = usedBytes() - before
  console.log(`${sent} frames over sockets:`, { grownBytes })
  expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES)
})

describe('what is planted is found', () => {
  test.each<[string, (reader: Reader) => unknown, Finding['what']]>([
    [
      'an array whose length nobody checked',
      (reader) => new Array(Math.min(reader.int32(), 1_000)),
      'logged',
    ],
    [
      'memory for a length that nobody checked',
      (reader) => Buffer.alloc(reader.int32() & 0xfffffff),
      'memory',
    ],
    ['a loop over a count that nobody checked', (reader) => countTo(reader.int32() & 0xfffffff), 'slow'],
  ])('%s', async (_name, read, what) => {
    const handle = async (): Promise<HeartbeatResponse> => ({ throttleTimeMs: 0, errorCode: 0 })
    expect(await found(plantedApi(read), handle, what === 'slow' ? 60 : undefined)).toContain(what)
  })

  test('a handler that throws, and one that never answers', async () => {
    const api = plantedApi((reader) => reader.int32())
    const mistake = (): never => {
      throw new TypeError('a mistake of ours')
    }
    expect(await found(api, mistake)).toContain('logged')
    expect(await found(api, () => new Promise(() => {}))).toContain('hung')
  })

  test('an error that is thrown out of dispatch', async () => {
    const errors = new ErrorLines()
    const serve = (): never => {
      throw new RangeError('out of nowhere')
    }
    const frames = [Buffer.alloc(20)]
    const { findings } = await fuzz({
      target: { serve },
      errors,
      frames,
      count: 5,
      seed: SEED,
      elapse: async () => {},
    })
    expect(findings[0]).toMatchObject({ what: 'thrown', detail: expect.stringContaining('out of nowhere') })
  })
})

/** Sends one mutated frame, at times with a size that is not its own, in pieces that end anywhere. */
function sendInPieces(client: RawClient, frames: readonly Buffer[], index: number, chance: Chance): void {
  const bytes = sized(mutate(frames[index] as Buffer, chance.pick(frames), chance))
  if (chance.below(16) === 0) bytes.writeInt32BE(chance.pick([-1, 0, 3, bytes.length, 1 << 20, 0x7fffffff]))
  for (let at = 0; at < bytes.length; ) {
    const end = chance.below(2) === 0 ? bytes.length : at + 1 + chance.below(bytes.length - at)
    client.send(bytes.subarray(at, end))
    at = end
  }
}

type PlantedApi = Api<{ readonly length: number }, HeartbeatResponse>

/** An API with a mistake in how it reads its request: an int32 that says how much follows. */
function plantedApi(read: (reader: Reader) => unknown): PlantedApi {
  return {
    ...heartbeatApi,
    request: {
      read(reader) {
        read(reader)
        return { length: 0 }
      },
      write: (writer, _version, { length }) => {
        writer.int32(length)
        for (let item = 0; item < length; item++) writer.int8(item)
      },
    },
  }
}

/** What a short run over an API finds, each kind once. */
async function found(
  api: PlantedApi,
  handle: () => HeartbeatResponse | Promise<HeartbeatResponse>,
  slowMs = 5_000,
): Promise<ReadonlySet<Finding['what']>> {
  const errors = new ErrorLines()
  const services = { clock: systemClock, random: seededRandom(1), logger: errors.logger } as Services
  const fail = (): HeartbeatResponse => ({ throttleTimeMs: 0, errorCode: -1 })
  const target = new Dispatcher({ handlers: [handler(api, { handle, fail })], services })
  const frames = [0, 1, 2, 3, 4].map((version) => frameOf(api, version, { length: 8 }).subarray(4))
  const limits = { count: 5_000, maxFindings: 1, slowMs }
  const { findings } = await fuzz({ target, errors, frames, ...limits, seed: SEED, elapse: async () => {} })
  return new Set(findings.map(({ what }) => what))
}

function countTo(count: number): number {
  let sum = 0
  for (let item = 0; item < count; item++) sum = (sum * 31 + item) | 0
  return sum
}
