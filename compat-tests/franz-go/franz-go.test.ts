/** franz-go (kgo and kadm), feature by feature: the tests are in the Go program beside this file. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll } from 'vitest'
import { startBroker, type TestBroker } from '../broker.ts'
import { type FeatureProgram, showAll, startProgram } from '../feature-program.ts'
import { featuresOf } from '../features.ts'
import { describeWith, franzGo } from '../tools.ts'

describeWith(franzGo, 'franz-go', () => {
  const client = featuresOf('franz-go')
  let broker: TestBroker
  let program: FeatureProgram
  beforeAll(async () => {
    buildAgain()
    broker = await startBroker('franz-go')
    program = startProgram(franzGo, [broker.bootstrapServers, 'version', ...client.claimed])
  })
  afterAll(async () => {
    await program[Symbol.asyncDispose]()
    await broker[Symbol.asyncDispose]()
  })
  showAll(client, () => ({ program, bootstrapServers: broker.bootstrapServers }))
})

/** The program that is run is the one that the sources say, where Go is there to make it so. */
function buildAgain(): void {
  const built = spawnSync('go', ['build', '-o', franzGo.command[0], '.'], {
    cwd: import.meta.dirname,
    env: { ...process.env, GOPROXY: 'off' },
    encoding: 'utf8',
  })
  if (built.status !== null && built.status !== 0) throw new Error(built.stderr)
}
