/** What one unit of work costs the broker. */

import type { BenchConnection } from '../connection.ts'
import type { RunningPeer } from '../measure.ts'

/** By what is done, microseconds of the broker's processor time. */
export type Costs = Readonly<Record<string, number>>

export interface UnitTimes {
  readonly warmMs: number
  readonly measuredMs: number
}

/** How many requests wait for their answers on a connection that is kept busy. */
const WINDOW = 32
/** On how many connections requests wait at a time where many work in turn. */
const LANES = 4

/** Microseconds of the broker's processor time for each of the requests that fill the time. */
export async function unitMicros(
  peer: RunningPeer,
  { warmMs, measuredMs }: UnitTimes,
  work: (go: () => boolean) => Promise<number>,
): Promise<number> {
  await work(during(warmMs))
  const before = processorMs(peer)
  const units = await work(during(measuredMs))
  return ((processorMs(peer) - before) * 1000) / units
}

/** Repeats one request on one connection. */
export function repeated(
  connection: BenchConnection,
  next: () => Buffer,
  window: number = WINDOW,
): (go: () => boolean) => Promise<number> {
  return (go) => connection.drive(() => (go() ? next() : null), window)
}

/** Sends some requests on each of many connections in turn, on a few of them at a time. */
export function inTurn(
  connections: readonly BenchConnection[],
  frameOf: (at: number) => Buffer,
): (go: () => boolean) => Promise<number> {
  const lanes = Math.min(LANES, connections.length)
  return async (go) => {
    let answered = 0
    // Each has connections of its own, so that nobody sends on one that waits for an answer.
    const run = async (lane: number): Promise<void> => {
      for (let at = lane; go(); at = at + lanes < connections.length ? at + lanes : lane) {
        let left = WINDOW
        const some = (): Buffer | null => (left-- > 0 ? frameOf(at) : null)
        answered += await (connections[at] as BenchConnection).drive(some, WINDOW)
      }
    }
    await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)))
    return answered
  }
}

export function processorMs(peer: RunningPeer): number {
  const { userMs, systemMs } = peer.processorMs()
  return userMs + systemMs
}

function during(ms: number): () => boolean {
  const untilMs = performance.now() + ms
  return () => performance.now() < untilMs
}
