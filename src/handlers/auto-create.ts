/** Topics that come to be because somebody asked for them. */
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicSpec } from '../metadata/topic-control.ts'
import { CONSUMER_OFFSETS_TOPIC } from '../metadata/topic-name.ts'
import type { Call } from './handler.ts'

/** Begins to create those of the topics that do not exist, with the broker's defaults. */
export function autoCreateTopics(names: readonly string[], call: Call): void {
  const specs = names.map((name) => specOf(name, call.config))
  if (specs.length === 0) return
  call.controller.createTopics(specs, false).then(
    (outcomes) => {
      for (const [at, outcome] of outcomes.entries()) {
        if ('error' in outcome) {
          call.logger.warn(
            { topic: names[at], reason: outcome.error.message },
            'a topic was not auto-created',
          )
        }
      }
    },
    (error: unknown) => call.logger.error({ err: error, topics: names }, 'topics could not be auto-created'),
  )
}

/** What a topic is like that nobody has described. */
export function specOf(name: string, config: BrokerConfig): TopicSpec {
  const usual = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  if (name !== CONSUMER_OFFSETS_TOPIC) return usual
  return {
    ...usual,
    numPartitions: config.get('offsets.topic.num.partitions'),
    replicationFactor: config.get('offsets.topic.replication.factor'),
    configs: [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'segment.bytes', value: config.text('offsets.topic.segment.bytes') },
      { name: 'compression.type', value: 'producer' },
    ],
  }
}
