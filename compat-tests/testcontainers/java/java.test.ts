/** testcontainers of Maven, before and since version 2: its containers for Kafka with another image, and the example. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { root, type Tool } from '../../tools.ts'
import { describeWithContainers, runProgram } from '../containers.ts'

const TEST_MS = 120_000

const tools = join(root, '.tools/testcontainers-java')
/** It brings JUnit with it. */
const junit = join(tools, 'console/junit-platform-console-standalone.jar')

const java: Tool = {
  command: ['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m', '-jar', junit, 'execute'],
  missing: existsSync(junit) ? undefined : 'testcontainers for Java is not there: run .ci/install-tools',
}

const sources = [
  join(import.meta.dirname, 'ContainersTest.java'),
  join(root, 'examples/java-testcontainers/src/test/java/OrdersTest.java'),
]

const methods = [
  ...['apacheKafka', 'apacheKafkaFromAnotherContainer', 'configsOfTheEnvironment', 'confluentKafka'],
  ...['theOlderContainer', 'theOlderContainerWithKraft'],
]

describeWithContainers('testcontainers (Maven)', java, (images) => {
  let classes: string
  beforeAll(() => {
    classes = mkdtempSync(join(tmpdir(), 'ottla-testcontainers-java-'))
    const javac = spawnSync('javac', ['-cp', `${tools}/libs/*`, '-d', classes, ...sources], {
      encoding: 'utf8',
    })
    if (javac.status !== 0) throw new Error(`javac: ${javac.error?.message ?? javac.stderr}`)
  }, 60_000)
  afterAll(() => rmSync(classes, { recursive: true, force: true }))

  const run = async (libs: string, ...selection: readonly string[]): Promise<void> => {
    const jars = readdirSync(join(tools, libs)).filter((name) => !name.startsWith('junit-j'))
    const classpath = [classes, ...jars.map((name) => join(tools, libs, name))].join(':')
    const args = ['--disable-banner', '--disable-ansi-colors', '--fail-if-no-tests', '-cp', classpath]
    await runProgram(java.command, [...args, ...selection], { images: images(), folder: tmpdir() })
  }

  test.each(methods)(
    '1.21: %s',
    (name) => run('libs-1', '--select-method', `ContainersTest#${name}`),
    TEST_MS,
  )

  // The scripts of both are the same: one JVM will do.
  test('2.0', () => run('libs', '--select-class', 'ContainersTest'), TEST_MS)

  test('the example', () => run('libs', '--select-class', 'OrdersTest'), TEST_MS)
})
