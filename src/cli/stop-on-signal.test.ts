import { expect, test } from 'vitest'
import { ManualClock } from '../clock.ts'
import { stopOnSignal } from './stop-on-signal.ts'

function setUp({ started = true } = {}) {
  const clock = new ManualClock()
  const exits: number[] = []
  const failures: unknown[] = []
  const messages: string[] = []
  const stop = { resolve: () => {}, reject: (_error: Error) => {} }
  let stops = 0
  const cluster = {
    stop: () => {
      stops += 1
      return new Promise<void>((resolve, reject) => Object.assign(stop, { resolve, reject }))
    },
  }
  const signal = stopOnSignal({
    cluster: () => (started ? cluster : undefined),
    exit: (code) => exits.push(code),
    fail: (error) => failures.push(error),
    logger: { info: (message: string) => messages.push(message) },
    clock,
  })
  return { clock, exits, failures, messages, signal, stop, stops: () => stops }
}

test('the first signal stops in order, with exit code 0', async () => {
  const { clock, exits, messages, signal, stop } = setUp()
  signal('SIGTERM')
  expect(exits).toEqual([])
  stop.resolve()
  await clock.advance(0)
  expect(exits).toEqual([0])
  expect(messages.at(-1)).toBe('stopped')
})

test('a second signal ends at once, unless it is the same one twice', async () => {
  const { clock, exits, signal, stops } = setUp()
  signal('SIGINT')
  signal('SIGINT')
  await clock.advance(299)
  signal('SIGINT')
  expect(exits).toEqual([])
  await clock.advance(1)
  signal('SIGINT')
  expect(exits).toEqual([130])
  expect(stops()).toBe(1)
})

test('before the cluster has started a signal ends at once', () => {
  const { exits, signal } = setUp({ started: false })
  signal('SIGTERM')
  expect(exits).toEqual([143])
})

test('a stop that fails is told', async () => {
  const { clock, exits, failures, signal, stop } = setUp()
  signal('SIGINT')
  const error = new Error('no')
  stop.reject(error)
  await clock.advance(0)
  expect([exits, failures]).toEqual([[], [error]])
})
