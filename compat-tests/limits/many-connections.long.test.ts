import { expect, test } from 'vitest'
import { descriptorLimit } from '../../src/storage/open-file-limit.ts'
import { holdConnections } from './hold-connections.ts'

const NEEDED_DESCRIPTORS = 4096
const isTooFew = (descriptorLimit() ?? Number.POSITIVE_INFINITY) < NEEDED_DESCRIPTORS

test.skipIf(isTooFew)('3,000 idle and 300 slow clients for a minute', { timeout: 300_000 }, async () => {
  const figures = await holdConnections({ idle: 3000, slow: 300, steps: 60, stepMs: 1000, rounds: 10_000 })
  console.log(figures)
  expect(figures.beside.rounds).toBeGreaterThan(0)
})
