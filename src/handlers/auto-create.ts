/** Topics that come to be because somebody asked for them. */
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicSpec } from '../metadata/topic-control.ts'
import { CONSUMER_OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from '../metadata/topic-name.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { Call } from './handler.ts'
import { heapRoom, partitionBytes } from './heap-room.ts'

/**
 * Creates topics with the broker's defaults; done when they can be used. Those that exist now stay as they are, and
 * of those that cannot be the log says why: whoever asked for them is told only that they are not there.
 */
export async function autoCreateTopics(names: readonly string[], call: Call): Promise<void> {
  if (names.length === 0) return
  try {
    heapRoom.check(partitionBytes(names.length), ErrorCode.POLICY_VIOLATION)
    const specs = names.map((name) => specOf(name, call.config))
    const outcomes = await call.controller.createTopics(specs, false)
    for (const [at, outcome] of outcomes.entries()) {
      if (!('error' in outcome) || outcome.error.code === ErrorCode.TOPIC_ALREADY_EXISTS) continue
      call.logger.warn({ topic: names[at], reason: outcome.error.message }, 'a topic was not auto-created')
    }
  } catch (error) {
    call.logger.error({ err: error, topics: names.length }, 'topics could not be auto-created')
  }
}

/** What a topic is like that nobody has described. */
function specOf(name: string, config: BrokerConfig): TopicSpec {
  const usual = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  switch (name) {
    case CONSUMER_OFFSETS_TOPIC:
      return {
        ...usual,
        numPartitions: config.get('offsets.topic.num.partitions'),
        replicationFactor: config.get('offsets.topic.replication.factor'),
        configs: configsOf({
          'cleanup.policy': 'compact',
          'segment.bytes': config.text('offsets.topic.segment.bytes'),
          'compression.type': 'producer',
        }),
      }
    case TRANSACTION_STATE_TOPIC:
      return {
        ...usual,
        numPartitions: config.get('transaction.state.log.num.partitions'),
        replicationFactor: config.get('transaction.state.log.replication.factor'),
        configs: configsOf({
          'unclean.leader.election.enable': 'false',
          'compression.type': 'uncompressed',
          'cleanup.policy': 'compact',
          'min.insync.replicas': config.text('transaction.state.log.min.isr'),
          'segment.bytes': config.text('transaction.state.log.segment.bytes'),
        }),
      }
    default:
      return usual
  }
}

function configsOf(configs: Readonly<Record<string, string | null>>): TopicSpec['configs'] {
  return Object.entries(configs).map(([name, value]) => ({ name, value }))
}
