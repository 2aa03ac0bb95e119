/** The topics that a cluster begins with. */
import type { ClusterOptions, TopicOptions } from './cluster-options.ts'
import { ConfigError } from './config/config-error.ts'
import type { Controller } from './metadata/controller.ts'
import { KafkaError } from './wire/kafka-error.ts'

/** A name stands for a topic of one partition. */
export function asTopicOptions(topics: NonNullable<ClusterOptions['topics']>): readonly TopicOptions[] {
  return topics.map((topic) => (typeof topic === 'string' ? { name: topic } : topic))
}

/** @throws ConfigError when one of them cannot be: those before it are there. */
export async function createTopics(controller: Controller, topics: readonly TopicOptions[]): Promise<void> {
  for (const { name, partitions = 1, config = {} } of topics) {
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    const spec = { name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs }
    const refuse = (error: KafkaError): never => {
      throw new ConfigError(`topic ${name} cannot be created: ${error.message}`)
    }
    try {
      const [outcome] = await controller.createTopics([spec], false)
      if (outcome !== undefined && 'error' in outcome) refuse(outcome.error)
    } catch (error) {
      if (error instanceof KafkaError) refuse(error)
      throw error
    }
  }
}
