/** @testcontainers/kafka of npm, with another image. */
import { KafkaContainer } from '@testcontainers/kafka'
import { beforeAll, expect, test, vi } from 'vitest'
import { CONTAINER_SETTINGS, describeWithContainers } from '../containers.ts'
import { thereAndBack } from './there-and-back.ts'

beforeAll(() => {
  for (const [name, value] of Object.entries(CONTAINER_SETTINGS)) vi.stubEnv(name, value)
})

describeWithContainers('@testcontainers/kafka', undefined, (images) => {
  const modes = {
    'as it comes': () => new KafkaContainer(images().image),
    'as it comes, with a tag of 8.0.0': () => new KafkaContainer(images().kraftImage),
    'with KRaft': () => new KafkaContainer(images().kraftImage).withKraft(),
  }

  test.each(Object.entries(modes))(
    '%s',
    async (_title, container) => {
      await using kafka = await container().start()
      const bootstrapServers = `${kafka.getHost()}:${kafka.getMappedPort(9093)}`
      expect(await thereAndBack(bootstrapServers, 'a')).toEqual(['a'])
    },
    120_000,
  )
})
