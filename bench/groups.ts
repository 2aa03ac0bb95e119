/** How long a group takes to become stable, and to become so again when a member has left. */
import { runClient } from './client.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext } from './measure.ts'
import { distinctPeers, withoutDelayToo, withPeers } from './peer-runners.ts'

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
  run,
}

interface Rebalances {
  readonly stableMs: number
  readonly leaveMs: number
}

async function run({ peers, rounds, short, progress }: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  await withPeers(distinctPeers(peers).flatMap(withoutDelayToo), async (runners) => {
    for (let round = 0; round < rounds; round++) {
      for (const { name, members, heartbeat } of short ? CASES.slice(0, 1) : CASES) {
        for (const { of, running } of runners) {
          const { bootstrapServers: brokers } = running
          const topic = `groups-${members}-${round}`
          const flags = { brokers, topic, members, heartbeat }
          const { stableMs, leaveMs } = await runClient<Rebalances>('groups', flags)
          figures.add({ case: name, figure: 'until stable', unit: 'ms', better: 'less', of }, stableMs)
          figures.add(
            { case: name, figure: 'until stable when one has left', unit: 'ms', better: 'less', of },
            leaveMs,
          )
          progress(`${of}, ${name}: stable in ${stableMs.toFixed(0)} ms, again in ${leaveMs.toFixed(0)} ms`)
        }
      }
    }
  })
  return figures.all()
}
