import { describe, expect, test } from 'vitest'
import { violations } from './checker.ts'
import type { Event, Isolation } from './history.ts'

const record = (topic: string, offset: number, value: string) => ({ topic, partition: 0, offset, value })
const held = (topic: string, offset: number, value: string, isolation: Isolation): Event => ({
  at: 'held',
  isolation,
  ...record(topic, offset, value),
})
const offsetOf = (at: 'offset' | 'fetched' | 'final', offset: number): Event => ({
  at,
  who: 'offsets',
  topic: 'plain',
  partition: 0,
  offset,
})

/** One record of each kind, with every promise kept. */
const kept: readonly Event[] = [
  { at: 'ready' },
  { at: 'sent', who: 'a', topic: 'plain', value: 'a:0' },
  { at: 'acked', who: 'a', ...record('plain', 0, 'a:0') },
  { at: 'sent', who: 'a', topic: 'plain', value: 'a:1' },
  { at: 'refused', who: 'a', value: 'a:1', reason: 'gave up' },
  { at: 'began', who: 't:0', values: ['t:0:0', 't:0:1'] },
  { at: 'committed', who: 't:0' },
  { at: 'began', who: 't:1', values: ['t:1:0'] },
  { at: 'aborted', who: 't:1' },
  { at: 'began', who: 't:2', values: ['t:2:0', 't:2:1'] },
  { at: 'unknown', who: 't:2', reason: 'the broker is gone' },
  offsetOf('offset', 1),
  offsetOf('fetched', 1),
  { at: 'observed', ...record('transactional', 0, 't:0:0') },
  held('plain', 0, 'a:0', 'read_uncommitted'),
  held('plain', 0, 'a:0', 'read_committed'),
  held('transactional', 0, 't:0:0', 'read_uncommitted'),
  held('transactional', 1, 't:0:1', 'read_uncommitted'),
  held('transactional', 3, 't:1:0', 'read_uncommitted'),
  held('transactional', 0, 't:0:0', 'read_committed'),
  held('transactional', 1, 't:0:1', 'read_committed'),
  held('copied', 0, 'a:0', 'read_committed'),
  offsetOf('final', 1),
  { at: 'end' },
]

/** The history without what `gone` names, and with `more` before its end. */
function changed(gone: (event: Event) => boolean, ...more: readonly Event[]): readonly Event[] {
  const rest = kept.filter((event) => !gone(event) && event.at !== 'end')
  return [...rest, ...more, { at: 'end' }]
}

const nothing = (): boolean => false
const isHeld =
  (value: string, isolation?: Isolation) =>
  (event: Event): boolean =>
    event.at === 'held' && event.value === value && (isolation ?? event.isolation) === event.isolation

describe('the checker of the crash test', () => {
  test('finds nothing where every promise was kept', () => {
    expect(violations(kept)).toEqual([])
  })

  test.each<[string, readonly Event[], RegExp]>([
    ['a lost record', changed(isHeld('a:0', 'read_uncommitted')), /^lost: a:0/],
    [
      'a record that nobody sent',
      changed(nothing, held('plain', 1, 'b:0', 'read_uncommitted')),
      /^invented: /,
    ],
    ['a record twice', changed(nothing, held('plain', 1, 'a:0', 'read_uncommitted')), /^duplicate: a:0/],
    [
      'records out of order',
      changed(
        (event) => isHeld('a:0')(event) || event.at === 'acked',
        held('plain', 0, 'a:1', 'read_uncommitted'),
        held('plain', 1, 'a:0', 'read_uncommitted'),
      ),
      /^out of order: a:0/,
    ],
    ['a lost record of a transaction', changed(isHeld('t:0:1', 'read_committed')), /^lost: transaction t:0/],
    [
      'an aborted record',
      changed(nothing, held('transactional', 3, 't:1:0', 'read_committed')),
      /^aborted: 1 records of transaction t:1/,
    ],
    [
      'a transaction of which a part is there',
      changed(nothing, held('transactional', 5, 't:2:1', 'read_committed')),
      /^torn: 1 of 2 records of transaction t:2/,
    ],
    [
      'a record that was read before it was committed',
      changed(nothing, { at: 'observed', ...record('transactional', 3, 't:1:0') }),
      /^read too early: t:1:0/,
    ],
    [
      'a record that was not copied',
      changed((event) => event.at === 'held' && event.topic === 'copied'),
      /^copy 0 of copied-0 is missing/,
    ],
    [
      'a copy too many',
      changed(nothing, held('copied', 1, 'a:0', 'read_committed')),
      /^copied-0 holds 2 copies/,
    ],
    [
      'an offset that goes back',
      changed(nothing, offsetOf('fetched', 0)),
      /^offset back: offsets: plain-0 was at 1/,
    ],
    [
      'a log that cannot be read to its end',
      changed(nothing, {
        at: 'unread',
        isolation: 'read_committed',
        topic: 'plain',
        partition: 0,
        offset: 9,
      }),
      /^plain-0 cannot be read up to its end 9/,
    ],
    ['clients that do not end', kept.slice(0, -1), /^the clients did not come to their end/],
  ])('finds %s', (_what, history, sentence) => {
    expect(violations(history).find((violation) => sentence.test(violation))).toBeDefined()
  })
})
