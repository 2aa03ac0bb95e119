/** testcontainers of Maven: its containers for Kafka with another image, and the example that uses one. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { root, type Tool } from '../../tools.ts'
import { describeWithContainers, runProgram } from '../containers.ts'

const tools = join(root, '.tools/testcontainers-java')
const console = join(tools, 'console/junit-platform-console-standalone.jar')
const libs = join(tools, 'libs')

const java: Tool = {
  command: ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', '-jar', console, 'execute'],
  missing: existsSync(console) ? undefined : 'testcontainers for Java is not there: run .ci/install-tools',
}

const sources = [
  join(import.meta.dirname, 'ContainersTest.java'),
  join(root, 'examples/java-testcontainers/src/test/java/OrdersTest.java'),
]

const modes = [
  ...['apacheKafka', 'apacheKafkaFromAnotherContainer', 'configsOfTheEnvironment', 'confluentKafka'],
  ...['theOlderContainer', 'theOlderContainerWithKraft'],
]

describeWithContainers('testcontainers (Maven)', java, (images) => {
  let classes: string
  beforeAll(() => {
    classes = mkdtempSync(join(tmpdir(), 'ottla-testcontainers-java-'))
    const javac = spawnSync('javac', ['-cp', `${libs}/*`, '-d', classes, ...sources], { encoding: 'utf8' })
    if (javac.status !== 0) throw new Error(`javac: ${javac.error?.message ?? javac.stderr}`)
  }, 60_000)
  afterAll(() => rmSync(classes, { recursive: true, force: true }))

  /** The console brings JUnit with it. */
  const run = async (...selection: readonly string[]): Promise<void> => {
    const jars = readdirSync(libs).filter((name) => !name.startsWith('junit-'))
    const classpath = [classes, ...jars.map((name) => join(libs, name))].join(':')
    const args = ['--disable-banner', '--disable-ansi-colors', '--fail-if-no-tests', '-cp', classpath]
    await runProgram(java.command, [...args, ...selection], { images: images(), folder: tmpdir() })
  }

  test.each(modes)('%s', (mode) => run('--select-method', `ContainersTest#${mode}`), 120_000)

  test('the example', () => run('--select-class', 'OrdersTest'), 120_000)
})
