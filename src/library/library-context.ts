import type { Services } from '../handlers/services.ts'
import type { Topic } from '../metadata/metadata.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'

/** What the handles of the library work on. */
export interface LibraryContext {
  readonly services: Services
  readonly isStopped: () => boolean
}

/** @throws Error when the cluster has been stopped. */
export function checkRunning({ isStopped }: LibraryContext): void {
  if (isStopped()) throw new Error('the cluster has been stopped: start another one')
}

/** @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, with the topics that there are. */
export function topicNamed(context: LibraryContext, name: string): Topic {
  checkRunning(context)
  const { metadata } = context.services
  const topic = metadata.topic(name)
  if (topic !== undefined) return topic
  const others = Array.from(metadata.topics()).filter(({ internal }) => !internal)
  const known = others.slice(0, 10).map((other) => other.name)
  const more = others.length > known.length ? `, and ${others.length - known.length} more` : ''
  throw new KafkaError(
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    `there is no topic ${name}: ${known.length === 0 ? 'there are none' : `there are ${known.join(', ')}${more}`}`,
  )
}
