import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { OttlaContainer } from './testcontainers.ts'

/** Shows what would be given to Docker; what Docker makes of it is tested with a Docker engine, in compat-tests/. */
class Shown extends OttlaContainer {
  async described(): Promise<{
    image: string
    environment: Record<string, string>
    user: string | undefined
  }> {
    await this.beforeContainerCreated()
    return {
      image: this.imageName.string,
      environment: this.environment,
      user: this.createOpts.User,
    }
  }

  get binds(): readonly string[] {
    return this.hostConfig.Binds ?? []
  }
}

test('runs the image of the version of this package, or another one', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect((await new Shown().described()).image).toBe(`ottla:${version}`)
  expect((await new Shown('registry.example/ottla:main').described()).image).toBe(
    'registry.example/ottla:main',
  )
})

test('gives topics and configs as the environment of Kafka’s container image', async () => {
  const container = new Shown()
    .withTopics('orders', { name: 'payments', partitions: 3 })
    .withTopics('notes', { name: 'compacted', config: { 'cleanup.policy': 'compact' } })
    .withConfig({ 'num.partitions': 2, 'auto.create.topics.enable': false })
    .withConfig({ 'num.partitions': 4, 'listener.name.a_b-c.ssl.key.password': 'x' })
  const { environment } = await container.described()
  expect(environment).toMatchObject({
    // One with configs of its own is created when the broker answers.
    KAFKA_CREATE_TOPICS: 'orders:1:1,payments:3:1,notes:1:1',
    KAFKA_NUM_PARTITIONS: '4',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_LISTENER_NAME_A__B___C_SSL_KEY_PASSWORD: 'x',
  })
})

test('mounts a data directory beside other mounts, for the user of the test', async () => {
  const folder = `${import.meta.dirname}/../.tools`
  const container = new Shown().withDataDir(folder).withBindMounts([{ source: '/a', target: '/b' }])
  const { user } = await container.described()
  expect(container.binds).toEqual(['/a:/b:rw', expect.stringMatching(/\.tools:\/var\/lib\/kafka\/data$/)])
  expect(user).toBe(process.getuid === undefined ? undefined : `${process.getuid()}:0`)
  expect((await new Shown().withDataDir(folder).withUser('7').described()).user).toBe('7')
})
