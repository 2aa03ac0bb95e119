/** franz-go (kgo and kadm), feature by feature: the tests are in the Go program beside this file. */
import { afterAll, beforeAll } from 'vitest'
import { startBroker, type TestBroker } from '../broker.ts'
import { type FeatureProgram, showAll, startProgram } from '../feature-program.ts'
import { featuresOf } from '../features.ts'
import { buildGo, describeWith, goProgram } from '../tools.ts'

const franzGo = goProgram('franz-go')

describeWith(franzGo, 'franz-go', () => {
  const client = featuresOf('franz-go')
  let broker: TestBroker
  let program: FeatureProgram
  beforeAll(async () => {
    buildGo('franz-go')
    broker = await startBroker('franz-go')
    program = startProgram(franzGo, [broker.bootstrapServers, 'version', ...client.claimed])
  })
  afterAll(async () => {
    await program[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })
  showAll(client, () => ({ program, bootstrapServers: broker.bootstrapServers }))
})
