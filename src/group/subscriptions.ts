import { consumerProtocolSubscription } from '../wire/messages/consumer-protocol-subscription.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'

/**
 * The topics named in consumers' subscriptions, or null when one of them cannot be read. Version 0 begins every
 * version of a subscription, so later versions need not be known.
 */
export function subscribedTopics(subscriptions: readonly Buffer[]): ReadonlySet<string> | null {
  const topics = new Set<string>()
  try {
    for (const subscription of subscriptions) {
      const reader = new Reader(subscription)
      reader.int16()
      for (const topic of consumerProtocolSubscription.read(reader, 0).topics) topics.add(topic)
    }
    return topics
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}
