/** How peers take turns, above all those that run from the first round of a measure to the last. */
import type { MeasureContext, Peer, PeerName, PeerOptions, RunningPeer } from './measure.ts'

export interface PeerRunner {
  /** A peer's name, or that and what is special about how it runs. */
  readonly of: string
  readonly running: RunningPeer
}

export interface PeerStart {
  readonly of: string
  readonly peer: Peer
  readonly options?: PeerOptions
}

/** Kafka holds the first rebalance of a group back by default, and then any broker is faster. */
export const KAFKA_WITHOUT_DELAY = 'kafka, group.initial.rebalance.delay.ms=0'

/** A peer, and beside Kafka with its defaults Kafka without that delay. */
export function withoutDelayToo(start: PeerStart): readonly PeerStart[] {
  if (start.of !== ('kafka' satisfies PeerName)) return [start]
  const configs = { 'group.initial.rebalance.delay.ms': '0' }
  return [start, { ...start, of: KAFKA_WITHOUT_DELAY, options: { configs } }]
}

/** How long a run does not count before it is measured; in the first round compilers are still at work. */
export const WARM_SECONDS = 1
export const FIRST_WARM_SECONDS = 4

export function warmSeconds(round: number, short: boolean): number {
  return round === 0 && !short ? FIRST_WARM_SECONDS : WARM_SECONDS
}

/**
 * Starts peers one after the other, has each of them do each case in each round, and ends them however that goes.
 * @param turn measures one and says what has come out.
 */
export async function takeTurns<Case>(
  starts: readonly PeerStart[],
  cases: readonly Case[],
  { rounds, progress }: Pick<MeasureContext, 'rounds' | 'progress'>,
  turn: (runner: PeerRunner, each: Case, round: number) => Promise<string>,
): Promise<void> {
  const runners: PeerRunner[] = []
  try {
    for (const { of, peer, options } of starts) runners.push({ of, running: await peer.start(options) })
    for (let round = 0; round < rounds; round++) {
      for (const each of cases) {
        for (const runner of inOrderOf(round, runners))
          progress(`${runner.of}, ${await turn(runner, each, round)}`)
      }
    }
  } finally {
    await Promise.all(runners.map(({ running }) => running[Symbol.asyncDispose]()))
  }
}

/**
 * The order in which peers take turns in a round, counted from 0: every other round goes the other way round, and each
 * two begin with the next, so that nobody always comes behind the same other.
 */
export function inOrderOf<T>(round: number, peers: readonly T[]): readonly T[] {
  const all = round % 2 === 0 ? peers : peers.toReversed()
  const first = all.length === 0 ? 0 : (round >> 1) % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

/** The peers whose figures differ here: what computes checksums makes no difference to small requests. */
export function distinctPeers(peers: readonly Peer[]): readonly PeerStart[] {
  return peers.filter(({ name }) => name !== 'ottla-js-crc').map((peer) => ({ of: peer.name, peer }))
}
