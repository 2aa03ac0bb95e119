import { describe, expect, it } from 'vitest'
import { ManualClock, seededRandom, systemClock, systemRandom } from './clock.ts'

describe('ManualClock', () => {
  it('stands still until it is moved', async () => {
    const clock = new ManualClock(1000)
    expect(clock.now()).toBe(1000)
    await clock.advance(250)
    expect(clock.now()).toBe(1250)
  })

  it('fires timers by due time, then by the order in which they were scheduled', async () => {
    const clock = new ManualClock(0)
    const fired: string[] = []
    clock.schedule(20, () => fired.push(`late at ${clock.now()}`))
    clock.schedule(10, () => fired.push(`first at ${clock.now()}`))
    clock.schedule(10, () => fired.push(`second at ${clock.now()}`))
    await clock.advance(15)
    expect(fired).toEqual(['first at 10', 'second at 10'])
    await clock.advance(5)
    expect(fired.at(-1)).toBe('late at 20')
  })

  it('fires what a timer schedules on the way', async () => {
    const clock = new ManualClock(0)
    const fired: number[] = []
    const again = (): void => {
      fired.push(clock.now())
      if (fired.length < 3) clock.schedule(10, again)
    }
    clock.schedule(10, again)
    await clock.advance(100)
    expect(fired).toEqual([10, 20, 30])
    expect(clock.pending).toBe(0)
  })

  it('lets promises settle between two timers', async () => {
    const clock = new ManualClock(0)
    const order: string[] = []
    clock.schedule(1, () => void Promise.resolve().then(() => order.push('promise of the first')))
    clock.schedule(2, () => order.push('second'))
    await clock.advance(2)
    expect(order).toEqual(['promise of the first', 'second'])
  })

  it('never fires a timer synchronously, nor one that was cancelled', async () => {
    const clock = new ManualClock(0)
    const fired: string[] = []
    clock.schedule(-5, () => fired.push('overdue'))
    const timer = clock.schedule(0, () => fired.push('cancelled'))
    timer.cancel()
    expect(fired).toEqual([])
    await clock.advance(0)
    expect(fired).toEqual(['overdue'])
    timer.cancel()
  })

  it.each([-1, Number.NaN])('refuses to be moved by %d ms', async (deltaMs) => {
    await expect(new ManualClock().advance(deltaMs)).rejects.toThrow(`time cannot be moved by ${deltaMs} ms`)
  })
})

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['45s', 45_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    [12, 12],
  ] as const)('%s', async (duration, ms) => {
    const clock = new ManualClock(0)
    await clock.advance(duration)
    expect(clock.now()).toBe(ms)
  })

  it.each(['-1s', '45', 's', '45 s', ''])('refuses %j', async (duration) => {
    await expect(new ManualClock().advance(duration as '1s')).rejects.toThrow(
      `time cannot be moved by "${duration}"`,
    )
  })
})

it('says while a timer fires whether clients were asleep', async () => {
  const clock = new ManualClock(0)
  const seen: boolean[] = []
  for (const delayMs of [1, 3]) clock.schedule(delayMs, () => seen.push(clock.outrunsClients))
  await clock.advance(2)
  await clock.advance(2, { clientsAsleep: true })
  expect(seen).toEqual([true, false])
  expect(clock.outrunsClients).toBe(false)
})

describe('the machine', () => {
  it('schedules and cancels', async () => {
    const fired: string[] = []
    systemClock.schedule(0, () => fired.push('cancelled')).cancel()
    systemClock.schedule(2 ** 40, () => fired.push('in 35 years')).cancel()
    await new Promise<void>((resolve) => {
      systemClock.schedule(1, () => fired.push('fired'))
      // A timer of the test's own keeps the process alive; the clock's never do.
      setTimeout(resolve, 20)
    })
    expect(fired).toEqual(['fired'])
  })

  it('gives as many random bytes as asked for', () => {
    expect(systemRandom.bytes(16)).toHaveLength(16)
    expect(systemRandom.bytes(0)).toHaveLength(0)
  })
})

describe('seededRandom', () => {
  it('repeats itself for the same seed, and not for another', () => {
    expect(seededRandom(7).bytes(32)).toEqual(seededRandom(7).bytes(32))
    expect(seededRandom(7).bytes(32)).not.toEqual(seededRandom(8).bytes(32))
  })

  it('uses all values of a byte about equally often', () => {
    const counts = new Uint32Array(256)
    for (const byte of seededRandom(1).bytes(256 * 100)) counts[byte] = (counts[byte] ?? 0) + 1
    expect(Math.min(...counts)).toBeGreaterThan(50)
    expect(Math.max(...counts)).toBeLessThan(160)
  })
})
