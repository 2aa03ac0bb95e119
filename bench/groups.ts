/** How long a group takes to become stable, and to become so again when a member has left. */
import { missingClient, runClient } from './client.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext } from './measure.ts'
import { distinctPeers, takeTurns, withoutDelayToo } from './peer-runners.ts'

const CASES = [
  { name: '3 members', members: 3, heartbeat: '3s' },
  { name: '3 members, heartbeats every 100 ms', members: 3, heartbeat: '100ms' },
  { name: '50 members', members: 50, heartbeat: '3s' },
  { name: '50 members, heartbeats every 100 ms', members: 50, heartbeat: '100ms' },
] as const

export const groups: Measure = {
  name: 'groups',
  title: 'Groups',
  about: `Members that join a new group at once, of a topic with two partitions for each: the time from the first JoinGroup
until each of them has its assignment, all partitions have an owner and none has two; then one leaves, and the time from
its LeaveGroup until the others have its partitions. Members are franz-go clients of one process with connections of
their own and franz-go's defaults: cooperative-sticky, heartbeats every 3 s with one 500 ms behind each assignment, by
which members learn that there is a rebalance; where it is said, heartbeats every 100 ms. Apache Kafka holds the first
rebalance of a group back for group.initial.rebalance.delay.ms, which is 3 s by default; beside it stands Kafka with 0,
as ottla has it. kfake knows no such delay.`,
  get missing() {
    return missingClient()
  },
  run,
}

interface Rebalances {
  readonly stableMs: number
  readonly leaveMs: number
}

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  const starts = distinctPeers(context.peers).flatMap(withoutDelayToo)
  const cases = context.short ? CASES.slice(0, 1) : CASES
  await takeTurns(starts, cases, context, async ({ of, running }, { name, members, heartbeat }, round) => {
    const flags = {
      brokers: running.bootstrapServers,
      topic: `groups-${members}-${round}`,
      members,
      heartbeat,
    }
    const { stableMs, leaveMs } = await runClient<Rebalances>('groups', flags)
    const add = (figure: string, ms: number): void =>
      figures.add({ case: name, figure, unit: 'ms', better: 'less', of }, ms)
    add('until stable', stableMs)
    add('until stable when one has left', leaveMs)
    return `${name}: stable in ${stableMs.toFixed(0)} ms, again in ${leaveMs.toFixed(0)} ms`
  })
  return figures.all()
}
