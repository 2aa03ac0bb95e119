/** How long a piece of work takes once it is compiled. */

/** One figure of one round. */
export interface Value {
  readonly figure: string
  readonly unit: string
  readonly case: string
  readonly of: string
  readonly value: number
}

/** How long a sample takes, and how many there are. */
export interface Effort {
  readonly sampleMs: number
  readonly samples: number
}

/** So often is everything run before it counts: V8 compiles what it has seen often enough, and again when it was wrong. */
const WARM_UP_SAMPLES = 4

/** Nanoseconds that one call of `work` takes: the median of samples, each of many calls. */
export function nanosecondsPer(work: () => void, { sampleMs, samples }: Effort): number {
  let calls = 1
  for (let warm = 0; warm < WARM_UP_SAMPLES; ) {
    if (millisecondsOf(work, calls) < sampleMs / 2) calls *= 2
    else warm++
  }
  return medianOf(Array.from({ length: samples }, () => (millisecondsOf(work, calls) / calls) * 1e6))
}

/** The same of work that is now and then to be waited for. */
export async function nanosecondsPerStep(
  work: () => unknown,
  { sampleMs, samples }: Effort,
): Promise<number> {
  const sample = async (): Promise<number> => {
    const beganMs = performance.now()
    let calls = 0
    for (; performance.now() - beganMs < sampleMs; calls++) {
      const done = work()
      if (done instanceof Promise) await done
    }
    return ((performance.now() - beganMs) / calls) * 1e6
  }
  for (let warm = 0; warm < WARM_UP_SAMPLES; warm++) await sample()
  const counted: number[] = []
  while (counted.length < samples) counted.push(await sample())
  return medianOf(counted)
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0
}

function millisecondsOf(work: () => void, calls: number): number {
  const beganMs = performance.now()
  for (let call = 0; call < calls; call++) work()
  return performance.now() - beganMs
}

/** Seconds per GB of what takes so many nanoseconds for so many bytes. */
export function secondsPerGb(nanoseconds: number, bytes: number): number {
  return nanoseconds / bytes
}

/** Keeps V8 from leaving out work whose result nobody asks for. */
export function keep(result: unknown): void {
  kept = result
  if (kept === keep) throw new Error('never')
}

let kept: unknown
