/** confluent-kafka of PyPI, which is librdkafka, feature by feature: the tests are in features.py. */
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { startBroker, type TestBroker } from '../broker.ts'
import { type FeatureProgram, showAll, startProgram } from '../feature-program.ts'
import { featuresOf } from '../features.ts'
import { describeWith, python } from '../tools.ts'

describeWith(python, 'confluent-kafka', () => {
  const client = featuresOf('confluent-kafka (Python)')
  let broker: TestBroker
  let program: FeatureProgram
  beforeAll(async () => {
    broker = await startBroker('confluent-kafka (Python)')
    const script = join(import.meta.dirname, 'features.py')
    program = startProgram(python, [script, broker.bootstrapServers, 'version', ...client.claimed])
  })
  afterAll(async () => {
    await program[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })
  showAll(client, () => ({ program, bootstrapServers: broker.bootstrapServers }))
})
