import { expect, test } from 'vitest'
import { PATIENCE } from '../until.ts'
import { holdConnections } from './hold-connections.ts'

test('idle and slow clients cost little, get their answers, and disturb no other', PATIENCE, async () => {
  const { beside } = await holdConnections({ idle: 400, slow: 60, steps: 50, stepMs: 10, rounds: 200 })
  expect(beside.rounds).toBeGreaterThan(0)
})
