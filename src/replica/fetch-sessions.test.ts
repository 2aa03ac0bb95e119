import { expect, it } from 'vitest'
import { ManualClock, seededRandom } from '../clock.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { FetchSelection } from './fetch-selection.ts'
import { type FetchSession, FetchSessions, nextEpoch } from './fetch-sessions.ts'

const EVICT_AFTER_MS = 1_000

function setUp(maxSessions = 2) {
  const clock = new ManualClock()
  const random = seededRandom(7)
  const sessions = new FetchSessions({ clock, random, maxSessions, evictAfterMs: EVICT_AFTER_MS })
  const open = (size: number): FetchSession => {
    const session = sessions.open(selection(size), false)
    if (session === undefined) throw new Error('no room')
    return session
  }
  return { clock, sessions, open }
}

function selection(size: number): FetchSelection {
  const position = { offset: 0n, maxBytes: 1, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
  const targets = Array.from({ length: size }, (_, index) => ({
    topic: 't',
    topicId: ZERO_UUID,
    index,
    position,
  }))
  return new FetchSelection(() => new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), targets)
}

it('epochs go from 1 to the largest int32, and from there to 1', () => {
  expect([nextEpoch(0), nextEpoch(1), nextEpoch(0x7ffffffe), nextEpoch(0x7fffffff)]).toEqual([
    1, 2, 0x7fffffff, 1,
  ])
  const { sessions, open } = setUp()
  const session = open(1)
  session.epoch = 0x7fffffff
  sessions.advance(session)
  expect(session.epoch).toBe(1)
})

it('ids are positive, and each is given to one session', () => {
  const { sessions } = setUp(500)
  const ids = Array.from({ length: 500 }, () => sessions.open(selection(1), false)?.id ?? 0)
  expect(new Set(ids).size).toBe(500)
  expect(ids.every((id) => id > 0 && id <= 0x7fffffff)).toBe(true)
})

it('a full cache takes no more while its sessions are young', async () => {
  const { clock, sessions, open } = setUp()
  const first = open(1)
  open(1)
  await clock.advance(EVICT_AFTER_MS)
  expect(sessions.open(selection(100), false)).toBeUndefined()
  expect(sessions.find(first.id)).toBe(first)
})

it('the session that was idle for longest gives way, whatever it holds', async () => {
  const { clock, sessions, open } = setUp()
  const first = open(10)
  const second = open(10)
  await clock.advance(1)
  sessions.advance(first)
  await clock.advance(EVICT_AFTER_MS)
  expect(sessions.open(selection(1), false)).toBeDefined()
  expect(sessions.find(second.id)).toBeUndefined()
  expect(sessions.find(first.id)).toBe(first)
  expect(second.selection.listening).toBe(false)
})

it('an old session in use gives way to one that holds more, the smallest first', async () => {
  const { clock, sessions, open } = setUp()
  const small = open(2)
  const large = open(3)
  await clock.advance(EVICT_AFTER_MS)
  await clock.advance(1)
  sessions.advance(small)
  sessions.advance(large)
  expect(sessions.open(selection(2), false)).toBeUndefined()
  expect(sessions.open(selection(3), false)).toBeDefined()
  expect(sessions.find(small.id)).toBeUndefined()
  expect(sessions.find(large.id)).toBe(large)
  expect(sessions.size).toBe(2)
})

it('without a cache there are no sessions', () => {
  expect(setUp(0).sessions.open(selection(1), false)).toBeUndefined()
})

it('closing a session twice, or one that is not there, does nothing', () => {
  const { sessions, open } = setUp()
  const { id, selection: held } = open(1)
  sessions.close(id)
  sessions.close(id)
  sessions.close(12345)
  expect(sessions.size).toBe(0)
  expect(held.listening).toBe(false)
})
