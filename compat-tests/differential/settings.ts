/** The broker settings that both sides run with, so that every error can be reached soon. */
export const settings: Readonly<Record<string, string>> = {
  'node.id': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '100',
  'group.max.size': '4',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  // The cases' records are years old.
  'log.retention.ms': '-1',
}
