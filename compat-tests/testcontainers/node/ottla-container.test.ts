/** ottla/testcontainers with an engine. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { GenericContainer, Network } from 'testcontainers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { OttlaContainer } from '../../../src/testcontainers.ts'
import { kafkaClient, withAdmin } from '../../kafkajs/client.ts'
import { root } from '../../tools.ts'
import { CONTAINER_SETTINGS, describeWithContainers, runProgram } from '../containers.ts'
import { thereAndBack } from './there-and-back.ts'

const TEST_MS = 120_000
const CONFIG_RESOURCE_TOPIC = 2

beforeAll(() => {
  for (const [name, value] of Object.entries(CONTAINER_SETTINGS)) vi.stubEnv(name, value)
})

describeWithContainers('OttlaContainer', undefined, (images) => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ottla-container-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const container = (): OttlaContainer => new OttlaContainer(images().image)

  test(
    'has topics and configs from the start',
    async () => {
      await using kafka = await container()
        .withConfig({ 'auto.create.topics.enable': false, 'num.partitions': 2 })
        .withTopics('orders', { name: 'payments', partitions: 3 })
        .withTopics({
          name: 'customers',
          config: { 'cleanup.policy': 'compact,delete', 'retention.ms': 1000 },
        })
        .start()
      const topics = await withAdmin(kafkaClient(kafka.getBootstrapServers()), async (admin) => {
        const { configEntries } = (
          await admin.describeConfigs({
            includeSynonyms: false,
            resources: [{ type: CONFIG_RESOURCE_TOPIC, name: 'customers' }],
          })
        ).resources[0] ?? { configEntries: [] }
        expect(configEntries).toContainEqual(
          expect.objectContaining({ configName: 'cleanup.policy', configValue: 'compact,delete' }),
        )
        expect(configEntries).toContainEqual(
          expect.objectContaining({ configName: 'retention.ms', configValue: '1000' }),
        )
        return (await admin.fetchTopicMetadata()).topics
      })
      expect(Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions.length]))).toEqual({
        customers: 1,
        orders: 1,
        payments: 3,
      })
    },
    TEST_MS,
  )

  test(
    'says what a topic that cannot be created is told',
    async () => {
      const wrong = container().withTopics({ name: 'orders', config: { 'retention.ms': 'long' } })
      await expect(wrong.start()).rejects.toThrow(
        /The topic orders could not be created: [\s\S]*retention\.ms/,
      )
    },
    TEST_MS,
  )

  test(
    'keeps its data in a directory, for the next container',
    async () => {
      const directory = join(folder, 'data/of/kafka')
      {
        await using kafka = await container().withDataDir(directory).start()
        expect(await thereAndBack(kafka.getBootstrapServers(), 'a')).toEqual(['a'])
      }
      await using kafka = await container().withDataDir(directory).start()
      expect(await thereAndBack(kafka.getBootstrapServers(), 'b', 2)).toEqual(['a', 'b'])
    },
    TEST_MS,
  )

  test(
    'tells clients the new port after a restart',
    async () => {
      await using kafka = await container().start()
      expect(await thereAndBack(kafka.getBootstrapServers(), 'a')).toEqual(['a'])
      // With time to stop in good order, so that what is in memory reaches its disk.
      await kafka.restart({ timeout: 10_000 })
      expect(await thereAndBack(kafka.getBootstrapServers(), 'b', 2)).toEqual(['a', 'b'])
    },
    TEST_MS,
  )

  test(
    'is reached by other containers under its alias',
    async () => {
      await using network = await new Network().start()
      await using kafka = await container().withNetwork(network).withNetworkAliases('kafka').start()
      expect(await thereAndBack(kafka.getBootstrapServers(), 'a')).toEqual(['a'])
      await using other = await new GenericContainer(images().image)
        .withNetwork(network)
        .withCommand(['sleep', '100'])
        .start()
      const { output } = await other.exec(['kafka-topics', '--bootstrap-server', 'kafka:9092', '--list'])
      expect(output).toContain('there')
    },
    TEST_MS,
  )

  test(
    'the example',
    async () => {
      const example = join(folder, 'example')
      cpSync(join(root, 'examples/node-testcontainers'), example, { recursive: true })
      const modules = join(example, 'node_modules')
      await installOttla(join(modules, 'ottla'))
      for (const name of ['kafkajs', 'testcontainers']) {
        symlinkSync(join(root, 'node_modules', name), join(modules, name))
      }
      const output = await runProgram([process.execPath], ['--test'], { images: images(), folder: example })
      expect(output).toMatch(/# pass 1\b/)
    },
    TEST_MS,
  )
})

/** As npm would, but of the present sources. */
async function installOttla(target: string): Promise<void> {
  mkdirSync(target, { recursive: true })
  cpSync(join(root, 'package.json'), join(target, 'package.json'))
  await build({
    absWorkingDir: root,
    entryPoints: ['src/testcontainers.ts'],
    outdir: join(target, 'dist'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'silent',
  })
}
