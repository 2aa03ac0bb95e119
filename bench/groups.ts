/** How long a group takes to become stable, and to become so again when a member has left. */
import { missingClient, runClient } from './client.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext, PeerName } from './measure.ts'
import { distinctPeers, takeTurns, withoutDelayToo } from './peer-runners.ts'

const CASES = [
  { name: '3 members', members: 3, heartbeat: '3s' },
  { name: '3 members, heartbeats every 100 ms', members: 3, heartbeat: '100ms' },
  { name: '50 members', members: 50, heartbeat: '3s' },
  { name: '50 members, heartbeats every 100 ms', members: 50, heartbeat: '100ms' },
] as const

/** Whether members find one another in one generation is a matter of chance: one group says little. */
const GROUPS_PER_TURN = 5

export const groups: Measure = {
  name: 'groups',
  title: 'Groups',
  about: `Members that join a new group at once, of a topic with two partitions for each: the time from the first JoinGroup
until each of them has its assignment, all partitions have an owner and none has two; then one leaves, and the time from
its LeaveGroup until the others have its partitions. Members are franz-go clients of one process with connections of
their own and franz-go's defaults: cooperative-sticky, heartbeats every 3 s with one 500 ms behind each assignment, by
which members learn that there is a rebalance; where it is said, heartbeats every 100 ms. Apache Kafka holds the first
rebalance of a group back for group.initial.rebalance.delay.ms, which is 3 s by default; beside it stands Kafka with 0,
as ottla has it, and each turn has ${GROUPS_PER_TURN} groups with all but Kafka's default: whether members find one another
in one generation is a matter of chance. kfake knows no such delay.`,
  get missing() {
    return missingClient()
  },
  run,
}

const KAFKA: PeerName = 'kafka'

interface Rebalances {
  readonly stableMs: number
  readonly leaveMs: number
}

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  const starts = distinctPeers(context.peers).flatMap(withoutDelayToo)
  const cases = context.short ? CASES.slice(0, 1) : CASES
  await takeTurns(starts, cases, context, async ({ of, running }, { name, members, heartbeat }, round) => {
    const add = (figure: string, ms: number): void =>
      figures.add({ case: name, figure, unit: 'ms', better: 'less', of }, ms)
    const told: string[] = []
    // With its delay all find one another, and each takes seconds.
    for (let group = 0; group < (context.short || of === KAFKA ? 1 : GROUPS_PER_TURN); group++) {
      const { stableMs, leaveMs } = await runClient<Rebalances>('groups', {
        brokers: running.bootstrapServers,
        topic: `groups-${members}-${heartbeat}-${round}-${group}`,
        members,
        heartbeat,
      })
      add('until stable', stableMs)
      add('until stable when one has left', leaveMs)
      told.push(`stable in ${stableMs.toFixed(0)} ms, again in ${leaveMs.toFixed(0)} ms`)
    }
    return `${name}: ${told.join('; ')}`
  })
  return figures.all()
}
