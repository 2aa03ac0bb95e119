import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { Harness, subscription } from './group-harness.suite.ts'

const HOUR_MS = 3_600_000
const CHECK_MS = 600_000

/** Offsets live for an hour here. */
const harness = (): Harness => new Harness({ offsetsRetentionMs: HOUR_MS })

describe('expiry of offsets', () => {
  it('counts from the commit in a group that manages itself', async () => {
    const h = harness()
    h.commit()
    await h.clock.advance(HOUR_MS / 2)
    h.commit({}, 9, {}, 'u')
    await h.clock.advance(HOUR_MS / 2)
    expect([h.offset('t'), h.offset('u')]).toEqual([-1n, 1n])
    expect(h.describe().groupState).toBe('Empty')
    await h.clock.advance(HOUR_MS / 2)
    expect(h.offset('u')).toBe(-1n)
    expect(h.describe()).toMatchObject({ groupState: 'Dead', errorCode: ErrorCode.GROUP_ID_NOT_FOUND })
  })

  it('counts from when the last member left (KIP-211)', async () => {
    const h = harness()
    const { ids } = await h.stable(1, { sessionTimeoutMs: 1_800_000 })
    const memberId = ids[0] ?? ''
    h.commit({ memberId, generationIdOrMemberEpoch: 1 })
    for (let at = 0; at < 10; at++) {
      await h.clock.advance(HOUR_MS / 2 - 1)
      h.heartbeat(memberId)
    }
    expect(h.offset()).toBe(1n)
    h.leave([{ memberId }])
    await h.clock.advance(HOUR_MS - CHECK_MS)
    expect(h.offset()).toBe(1n)
    await h.clock.advance(2 * CHECK_MS)
    expect(h.offset()).toBe(-1n)
    expect(h.describe().groupState).toBe('Dead')
  })

  it('takes what no member of a stable group reads any more', async () => {
    const h = harness()
    const { ids } = await h.stable(1, { sessionTimeoutMs: 1_800_000 })
    const memberId = ids[0] ?? ''
    for (const topic of ['t', 'u']) h.commit({ memberId, generationIdOrMemberEpoch: 1 }, 9, {}, topic)
    for (let at = 0; at < 4; at++) {
      await h.clock.advance(HOUR_MS / 2 - 1)
      h.heartbeat(memberId)
    }
    expect([h.offset('t'), h.offset('u')]).toEqual([1n, -1n])
    expect(h.describe().groupState).toBe('Stable')
  })

  it.each([
    ['connect', subscription('t')],
    ['consumer', Buffer.from('?')],
  ])('takes nothing of a group of type %s whose topics it cannot tell', async (protocolType, metadata) => {
    const h = harness()
    const { ids } = await h.stable(1, {
      protocolType,
      protocols: [{ name: 'range', metadata }],
      sessionTimeoutMs: 1_800_000,
    })
    const memberId = ids[0] ?? ''
    h.commit({ memberId, generationIdOrMemberEpoch: 1 }, 9, {}, 'u')
    for (let at = 0; at < 4; at++) {
      await h.clock.advance(HOUR_MS / 2 - 1)
      h.heartbeat(memberId)
    }
    expect(h.offset('u')).toBe(1n)
  })

  it('honours the retention time of versions 2 to 4', async () => {
    const h = harness()
    h.commit({ retentionTimeMs: 1_000n }, 2)
    h.commit({ retentionTimeMs: BigInt(3 * HOUR_MS) }, 4, {}, 'u')
    await h.clock.advance(CHECK_MS)
    expect([h.offset('t'), h.offset('u')]).toEqual([-1n, 1n])
    await h.clock.advance(2 * HOUR_MS)
    expect(h.offset('u')).toBe(1n)
    await h.clock.advance(HOUR_MS)
    expect(h.offset('u')).toBe(-1n)
  })

  it('takes empty groups without offsets at the next check', async () => {
    const h = harness()
    h.join()
    await h.clock.advance(CHECK_MS - 1)
    expect(h.describe().groupState).toBe('Empty')
    await h.clock.advance(1)
    expect(h.describe().groupState).toBe('Dead')
  })
})
