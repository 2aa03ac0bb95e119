/**
 * Kafka Streams counts words exactly once while ottla is killed three times and the application twice: with transactions
 * of a producer for each thread, and, as before Kafka 4, of a producer for each task.
 */
import { expect, test } from 'vitest'
import { ottlaCommand } from '../broker-process.ts'
import { compileStreams, describeWith, streams } from '../tools.ts'
import { violations } from './outcome.ts'
import { runStreams } from './run-streams.ts'
import { BROKER_CONFIG } from './settings.ts'

const LIMIT = { timeout: 180_000 } as const

for (const [version, guarantee] of [
  ['4.3.1', 'exactly_once_v2'],
  ['3.9.1', 'exactly_once'],
] as const) {
  const java = streams(version)
  describeWith(java, `Kafka Streams ${version}`, () => {
    test(`${guarantee}: every word is counted exactly once`, LIMIT, async () => {
      compileStreams(version)
      const seed = Math.floor(Math.random() * 1_000_000)
      console.log(`Kafka Streams ${version}: seed ${seed}`)
      const outcome = await runStreams({
        broker: (port, dataDir) => ottlaCommand({ port, dataDir, config: BROKER_CONFIG }),
        ...{ java, guarantee, seed, brokerKills: 3, applicationKills: 2 },
      })
      expect(violations(outcome)).toEqual([])
    })
  })
}
