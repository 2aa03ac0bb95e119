/** testcontainers-go: its module for Kafka with another image. */
import { beforeAll, test } from 'vitest'
import { buildGo, goProgram } from '../../tools.ts'
import { describeWithContainers, runProgram } from '../containers.ts'

const FOLDER = 'testcontainers/go'
const program = goProgram(FOLDER)

describeWithContainers('testcontainers-go', program, (images) => {
  beforeAll(() => buildGo(FOLDER), 300_000)

  test.each(['as-it-comes', 'another-container'])(
    '%s',
    async (mode) => {
      await runProgram(program.command, [images().image, mode], {
        images: images(),
        folder: import.meta.dirname,
      })
    },
    120_000,
  )
})
