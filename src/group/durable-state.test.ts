/** What records and markers amount to, held against a naive reading of the log as a whole. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { View } from '../coordinator/commit-queue.ts'
import type { LogEntry } from '../coordinator/coordinator-log.ts'
import { DurableState } from './durable-state.ts'
import { compacted, contents, replayed } from './group-harness.suite.ts'
import { decodeRecord, encodeRecord, offsetRecord, offsetTombstone } from './records.ts'

type Step =
  | { readonly do: 'commit'; readonly partition: number; readonly producer: number | null }
  | { readonly do: 'forget'; readonly partition: number }
  | { readonly do: 'end'; readonly producer: number; readonly commit: boolean }

const partition = fc.nat({ max: 2 })
const producer = fc.nat({ max: 2 })
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      partition,
      producer: fc.option(producer, { freq: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), partition }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('end' as const), producer, commit: fc.boolean() }) },
)
const logs = fc.array(steps, { maxLength: 40, size: 'max' }).map((all) => all.map(entryOf))

describe('the offsets that a log amounts to', () => {
  it('are those of the last record of each partition that counts', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const state = replayed(log)
        for (const of of [0, 1, 2]) {
          expect(state.offset('latest', 'g', 't', of)?.offset).toBe(visible(log, of))
          expect(state.hasPending('latest', 'g', 't', of)).toBe(isPending(log, of))
        }
        expect(state.hasPendingOffsets('latest', 'g')).toBe([0, 1, 2].some((of) => isPending(log, of)))
      }),
      { numRuns: 400 },
    )
  })

  it('are the same when the log has been compacted, at any time', () => {
    fc.assert(
      fc.property(logs, fc.nat({ max: 40 }), (log, at) => {
        const cleaned = [...compacted(log.slice(0, at)), ...log.slice(at)]
        expect(offsetsOf(cleaned)).toEqual(offsetsOf(log))
      }),
      { numRuns: 400 },
    )
  })

  it('are seen by others as of what is committed', () => {
    fc.assert(
      fc.property(logs, fc.infiniteStream(fc.nat({ max: 3 })), (log, lags) => {
        const state = new DurableState()
        let committed = 0
        log.forEach((entry, at) => {
          apply(state, 'latest', entry)
          for (let lag = lags.next().value ?? 0; committed < at + 1 - lag; committed++) {
            apply(state, 'committed', log[committed] as LogEntry)
          }
          expect(contents(state, 'latest')).toEqual(contents(replayed(log.slice(0, at + 1)), 'latest'))
          expect(contents(state, 'committed')).toEqual(contents(replayed(log.slice(0, committed)), 'latest'))
        })
      }),
      { numRuns: 100 },
    )
  })

  it('keep nothing of what has ended or was forgotten', () => {
    fc.assert(
      fc.property(logs, (log) => {
        const ends = [0, 1, 2].map((of) => entryOf({ do: 'end', producer: of, commit: true }, 0))
        const tombstones = [0, 1, 2].map((of) => entryOf({ do: 'forget', partition: of }, 0))
        const state = replayed([...log, ...ends, ...tombstones])
        expect([...state.groupsWithOffsets()]).toEqual([])
        expect([...state.pendingOffsets('latest')]).toEqual([])
      }),
    )
  })
})

/** The offset committed is the entry's place in the log. */
function entryOf(step: Step, at: number): LogEntry {
  if (step.do === 'end') {
    const { commit } = step
    const marker = { producerId: BigInt(step.producer), producerEpoch: 0, coordinatorEpoch: 0, commit }
    return { kind: 'marker', marker }
  }
  if (step.do === 'forget') {
    return { kind: 'record', record: encodeRecord(offsetTombstone('g', 't', step.partition)), producer: null }
  }
  const value = {
    offset: BigInt(at),
    leaderEpoch: -1,
    metadata: '',
    commitTimestamp: 0n,
    expireTimestamp: -1n,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
  }
  return {
    kind: 'record',
    record: encodeRecord(offsetRecord('g', 't', step.partition, value)),
    producer: step.producer === null ? null : { producerId: BigInt(step.producer), producerEpoch: 0 },
  }
}

/** The places of the records for a partition that no tombstone comes after, each with how its transaction ended. */
function survivors(
  log: readonly LogEntry[],
  partition: number,
): { at: number; end: 'commit' | 'abort' | 'open' }[] {
  const found: { at: number; end: 'commit' | 'abort' | 'open' }[] = []
  log.forEach((entry, at) => {
    if (entry.kind === 'marker') return
    const record = decodeRecord(entry.record)
    if (record?.kind !== 'offset' || record.key.partition !== partition) return
    if (record.value === null) found.length = 0
    else found.push({ at, end: endOf(log, at) })
  })
  return found
}

function endOf(log: readonly LogEntry[], at: number): 'commit' | 'abort' | 'open' {
  const entry = log[at]
  if (entry?.kind !== 'record' || entry.producer === null) return 'commit'
  const { producerId } = entry.producer
  const end = log.slice(at).find((later) => later.kind === 'marker' && later.marker.producerId === producerId)
  if (end?.kind !== 'marker') return 'open'
  return end.marker.commit ? 'commit' : 'abort'
}

function visible(log: readonly LogEntry[], partition: number): bigint | undefined {
  const last = survivors(log, partition).findLast(({ end }) => end === 'commit')
  return last && BigInt(last.at)
}

function isPending(log: readonly LogEntry[], partition: number): boolean {
  return survivors(log, partition).some(({ end }) => end === 'open')
}

function offsetsOf(log: readonly LogEntry[]): unknown {
  const { offsets, pending } = contents(replayed(log), 'latest')
  return { offsets, pending }
}

function apply(state: DurableState, view: View, entry: LogEntry): void {
  if (entry.kind === 'marker') {
    state.endTransaction(view, entry.marker.producerId, entry.marker.commit)
    return
  }
  const record = decodeRecord(entry.record)
  if (record !== null) state.apply(view, record, entry.producer?.producerId)
}
