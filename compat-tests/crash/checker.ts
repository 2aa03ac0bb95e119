/**
 * Holds what the clients of the crash test were promised against what the broker holds in the end: every acknowledged
 * record once, in order, where it was said to be; of transactions all or nothing, and never a record of an aborted one
 * for readers of committed records; committed offsets never go back.
 */
import { COPIED, type Event, type Isolation, PLAIN, type Place, TRANSACTIONAL } from './history.ts'

/** What is wrong, one sentence for each finding; empty when every promise was kept. */
export function violations(history: readonly Event[]): string[] {
  return [
    ...unfinished(history),
    ...plainRecords(history),
    ...transactions(history),
    ...copies(history),
    ...observations(history),
    ...offsets(history),
  ]
}

type Of<At extends Event['at']> = Extract<Event, { readonly at: At }>

function all<At extends Event['at']>(history: readonly Event[], ...kinds: readonly At[]): Of<At>[] {
  return history.filter((event): event is Of<At> => kinds.some((kind) => kind === event.at))
}

function held(history: readonly Event[], topic: string, isolation: Isolation): Of<'held'>[] {
  return all(history, 'held').filter((event) => event.topic === topic && event.isolation === isolation)
}

const place = ({ topic, partition, offset }: Place): string => `${topic}-${partition} at offset ${offset}`

function unfinished(history: readonly Event[]): string[] {
  const found = all(history, 'stuck').map(({ who, reason }) => `${who} is stuck: ${reason}`)
  for (const { topic, partition, offset, isolation } of all(history, 'unread')) {
    found.push(`${topic}-${partition} cannot be read up to its end ${offset} with ${isolation}`)
  }
  if (history.at(-1)?.at !== 'end') found.push('the clients did not come to their end')
  return found
}

function plainRecords(history: readonly Event[]): string[] {
  const found: string[] = []
  const stored = held(history, PLAIN, 'read_uncommitted')
  const byPlace = new Map(stored.map((record) => [place(record), record.value]))
  for (const acked of all(history, 'acked')) {
    const value = byPlace.get(place(acked))
    if (value !== acked.value) {
      found.push(
        `lost: ${acked.value}, acknowledged for ${place(acked)}, where there is ${value ?? 'nothing'}`,
      )
    }
  }
  const sent = new Set(all(history, 'sent').map(({ value }) => value))
  const lastNumbers = new Map<string, number>()
  for (const record of stored) {
    if (!sent.has(record.value)) found.push(`invented: nobody sent ${record.value} in ${place(record)}`)
    const [who = '', number = ''] = record.value.split(':')
    const key = `${who} in ${record.partition}`
    const last = lastNumbers.get(key) ?? -1
    if (Number(number) === last) found.push(`duplicate: ${record.value} again in ${place(record)}`)
    if (Number(number) < last) found.push(`out of order: ${record.value} after ${last} in ${place(record)}`)
    lastNumbers.set(key, Number(number))
  }
  return found
}

function transactions(history: readonly Event[]): string[] {
  const found: string[] = []
  const committed = countBy(held(history, TRANSACTIONAL, 'read_committed').map(({ value }) => value))
  for (const [value, count] of countBy(
    held(history, TRANSACTIONAL, 'read_uncommitted').map(({ value }) => value),
  )) {
    if (count > 1) found.push(`duplicate: ${value} stands ${count} times in the log of ${TRANSACTIONAL}`)
  }
  const ends = new Map(all(history, 'committed', 'aborted', 'unknown').map(({ who, at }) => [who, at]))
  for (const { who, values } of all(history, 'began')) {
    const visible = values.filter((value) => committed.has(value)).length
    const end = ends.get(who) ?? 'unknown'
    if (end === 'committed' && visible < values.length) {
      found.push(
        `lost: transaction ${who} was committed, and ${visible} of ${values.length} records are there`,
      )
    }
    if (end === 'aborted' && visible > 0) {
      found.push(`aborted: ${visible} records of transaction ${who} can be read`)
    }
    if (end === 'unknown' && visible > 0 && visible < values.length) {
      found.push(`torn: ${visible} of ${values.length} records of transaction ${who} can be read`)
    }
  }
  return [...found, ...inOrder(held(history, TRANSACTIONAL, 'read_committed'))]
}

/** Each transactional producer writes one transaction after the other, and each in the order of its records. */
function inOrder(records: readonly Place[]): string[] {
  const found: string[] = []
  const last = new Map<string, readonly [number, number]>()
  for (const record of records) {
    const [who, transaction = 0, index = 0] = record.value
      .split(':')
      .map((part, at) => (at ? Number(part) : part))
    const key = `${who} in ${record.partition}`
    const [lastTransaction, lastIndex] = last.get(key) ?? [-1, -1]
    const now = [Number(transaction), Number(index)] as const
    if (now[0] < lastTransaction || (now[0] === lastTransaction && now[1] <= lastIndex)) {
      found.push(`out of order: ${record.value} after ${lastTransaction}:${lastIndex} in ${place(record)}`)
    }
    last.set(key, now)
  }
  return found
}

/** Consume, process, produce: what was copied is what there was to copy, record for record. */
function copies(history: readonly Event[]): string[] {
  const found: string[] = []
  const originals = valuesByPartition(held(history, PLAIN, 'read_uncommitted'))
  const copied = valuesByPartition(held(history, COPIED, 'read_committed'))
  for (const partition of new Set([...originals.keys(), ...copied.keys()])) {
    const wanted = originals.get(partition) ?? []
    const got = copied.get(partition) ?? []
    const at = wanted.findIndex((value, index) => got[index] !== value)
    if (at !== -1) {
      found.push(`copy ${at} of ${COPIED}-${partition} is ${got[at] ?? 'missing'} instead of ${wanted[at]}`)
    } else if (got.length > wanted.length) {
      found.push(`${COPIED}-${partition} holds ${got.length} copies of ${wanted.length} records`)
    }
  }
  return found
}

/** What a reader of committed records was given once is what stays there. */
function observations(history: readonly Event[]): string[] {
  const final = new Map(
    [TRANSACTIONAL, COPIED].flatMap((topic) =>
      held(history, topic, 'read_committed').map((record) => [place(record), record.value] as const),
    ),
  )
  return all(history, 'observed')
    .filter((observed) => final.get(place(observed)) !== observed.value)
    .map(
      (observed) =>
        `read too early: ${observed.value} was read as committed in ${place(observed)}, where there is ` +
        `${final.get(place(observed)) ?? 'nothing'} for readers of committed records`,
    )
}

function offsets(history: readonly Event[]): string[] {
  const found: string[] = []
  const highest = new Map<string, number>()
  for (const { at, who, topic, partition, offset } of all(history, 'offset', 'fetched', 'final')) {
    const key = `${who}: ${topic}-${partition}`
    const before = highest.get(key) ?? -1
    if (offset < before) found.push(`offset back: ${key} was at ${before}, now ${at} ${offset}`)
    highest.set(key, Math.max(before, offset))
  }
  return found
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

function valuesByPartition(records: readonly Place[]): Map<number, string[]> {
  const values = new Map<number, string[]>()
  for (const { partition, value } of records) {
    const known = values.get(partition)
    if (known === undefined) values.set(partition, [value])
    else known.push(value)
  }
  return values
}
