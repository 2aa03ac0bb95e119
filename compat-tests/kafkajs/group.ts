/** What a group looks like from outside, by kafkajs's admin client. */
import { AssignerProtocol, type Kafka } from 'kafkajs'
import { until } from '../until.ts'
import { withAdmin } from './client.ts'

/** Which partitions of `topic` each member holds, by member id. */
export type Assignment = ReadonlyMap<string, readonly number[]>

/** Waits until the group is stable with `members` members and returns who holds what. */
export function stableAssignment(
  kafka: Kafka,
  groupId: string,
  topic: string,
  members: number,
): Promise<Assignment> {
  return withAdmin(kafka, (admin) =>
    until(`${groupId} is stable with ${members} members`, async () => {
      const [group] = (await admin.describeGroups([groupId])).groups
      if (group?.state !== 'Stable' || group.members.length !== members) return undefined
      return new Map(
        group.members.map(({ memberId, memberAssignment }) => [
          memberId,
          AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [],
        ]),
      )
    }),
  )
}
