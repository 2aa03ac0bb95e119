/** The tests of a client whose features are all shown by one program in its own language. */
import { afterAll, beforeAll } from 'vitest'
import { startBroker, type TestBroker } from './broker.ts'
import { type FeatureProgram, showAll, startProgram } from './feature-program.ts'
import { featuresOf } from './features.ts'
import { describeWith, type Tool } from './tools.ts'

export interface ProgramOptions {
  /** Arguments of the program before the bootstrap address. */
  readonly prefix?: readonly string[]
  /** Arguments of the program between the bootstrap address and the features. */
  readonly args?: readonly string[]
  /** Called before the program is started. */
  readonly prepare?: () => void
}

/** @param clientName as the feature table names it. */
export function testProgram(tool: Tool, clientName: string, options: ProgramOptions = {}): void {
  const { prefix = [], args = [], prepare } = options
  describeWith(tool, clientName, () => {
    const client = featuresOf(clientName)
    let broker: TestBroker
    let program: FeatureProgram
    beforeAll(async () => {
      prepare?.()
      broker = await startBroker(clientName)
      const features = ['version', ...client.claimed]
      program = startProgram(tool, [...prefix, broker.bootstrapServers, ...args, ...features])
    })
    afterAll(async () => {
      await program[Symbol.asyncDispose]()
      await broker[Symbol.asyncDispose]()
    })
    showAll(client, () => ({ program, bootstrapServers: broker.bootstrapServers }))
  })
}
