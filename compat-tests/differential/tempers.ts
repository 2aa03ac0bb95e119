/**
 * What ottla answers otherwise than Kafka so that nobody waits without need, and as Kafka with ottla.realistic=true:
 * this list and nothing else. `tempers.test.ts` gets both answers of each entry from running brokers; the
 * differential cases run with ottla.realistic=true.
 */
export interface TemperDifference {
  /** Which API, and in which situation: the name of its test too. */
  readonly name: TemperName
  /** What is answered with ottla.realistic=true, as by Kafka. */
  readonly realistic: string
  /** What is answered otherwise. */
  readonly impatient: string
}

export type TemperName = (typeof differences)[number][0]

const differences = [
  [
    'Metadata: a topic that is only made because it is asked for',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'the topic, each partition with its leader',
  ],
  [
    'FindCoordinator: the first group of the cluster',
    'COORDINATOR_NOT_AVAILABLE, while __consumer_offsets is made',
    'the coordinator, at work',
  ],
  [
    'FindCoordinator: the first transactional id of the cluster',
    'COORDINATOR_NOT_AVAILABLE, while __transaction_state is made',
    'the coordinator',
  ],
  [
    'JoinGroup: the first member of an empty group',
    'after 3 s: group.initial.rebalance.delay.ms is 3000',
    'at once: group.initial.rebalance.delay.ms is 0',
  ],
  [
    'JoinGroup: two members that come at once, group.initial.rebalance.delay.ms is 0',
    'a generation of the first alone',
    'a generation of both',
  ],
  [
    'InitProducerId: a transactional id whose transaction is open',
    'CONCURRENT_TRANSACTIONS, while it is aborted',
    'the producer id, when it has been aborted',
  ],
  [
    'AddPartitionsToTxn: right after a transaction was ended',
    'CONCURRENT_TRANSACTIONS, while its markers are written',
    'the partition is added',
  ],
  [
    'Fetch: committed records right after a transaction was ended',
    'nothing, while its markers are written',
    'its records',
  ],
] as const

export const tempers: readonly TemperDifference[] = differences.map(([name, realistic, impatient]) => ({
  name,
  realistic,
  impatient,
}))
