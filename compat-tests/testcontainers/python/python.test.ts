/** testcontainers of PyPI: its module for Kafka with another image, and the example that uses it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'vitest'
import { root, type Tool } from '../../tools.ts'
import { describeWithContainers, runProgram } from '../containers.ts'

const program = join(root, '.tools/testcontainers-python/bin/python')

// Nothing is written beside the sources.
const pytest: Tool = {
  command: [program, '-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-W', 'ignore'],
  missing: existsSync(program)
    ? undefined
    : 'testcontainers for Python is not installed: run .ci/install-tools',
}

const example = join(root, 'examples/python-testcontainers')

describeWithContainers('testcontainers (PyPI)', pytest, (images) => {
  test.each(['as_it_comes', 'with_kraft', 'another_port', 'from_another_container'])(
    '%s',
    async (name) => {
      const args = [`test_kafka_container.py::test_${name}`]
      await runProgram(pytest.command, args, { images: images(), folder: import.meta.dirname })
    },
    120_000,
  )

  test('the example', async () => {
    await runProgram(pytest.command, [], { images: images(), folder: example })
  }, 120_000)
})
