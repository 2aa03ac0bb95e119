/** Peers that run from the first round of a measure to the last. */
import type { Peer, PeerName, PeerOptions, RunningPeer } from './measure.ts'

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

/** Starts them one after the other, has `work` done with them, and ends them however that goes. */
export async function withPeers(
  starts: readonly PeerStart[],
  work: (runners: readonly PeerRunner[]) => Promise<void>,
): Promise<void> {
  const runners: PeerRunner[] = []
  try {
    for (const { of, peer, options } of starts) runners.push({ of, running: await peer.start(options) })
    await work(runners)
  } finally {
    await Promise.all(runners.map(({ running }) => running[Symbol.asyncDispose]()))
  }
}

/** The peers whose figures differ here: what computes checksums makes no difference to small requests. */
export function distinctPeers(peers: readonly Peer[]): readonly PeerStart[] {
  return peers.filter(({ name }) => name !== 'ottla-js-crc').map((peer) => ({ of: peer.name, peer }))
}
