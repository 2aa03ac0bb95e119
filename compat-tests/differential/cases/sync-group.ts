import { joinGroupApi } from '../../../src/wire/messages/join-group.ts'
import { type SyncGroupRequest, syncGroupApi } from '../../../src/wire/messages/sync-group.ts'
import { differential, orClosed } from '../case.ts'
import type { Partially } from '../client.ts'
import { completing, joinRequest, pair, preparing, stable, subscription } from './members.ts'

for (const version of [0, 1, 2, 3, 4, 5]) {
  differential(
    'SyncGroup',
    `v${version} the only member gives its assignment, then asks again`,
    async (t) => {
      const member = await completing(t)
      const given = await member.sync(version, { [member.memberId]: 'mine' })
      return { given, again: await member.sync(version) }
    },
  )
}

differential('SyncGroup', 'v5 the leader leaves itself out', async (t) => {
  const member = await completing(t)
  return member.sync(5, { nobody: 'theirs' })
})

differential('SyncGroup', 'v5 a follower waits for the leader', async (t) => {
  const { member, second, joining } = await preparing(t)
  await Promise.all([member.join(), joining])
  const waiting = second.sync()
  const leader = await member.sync(5, { [member.memberId]: 'one', [second.memberId]: 'two' })
  return { leader, follower: await waiting }
})

differential('SyncGroup', 'v5 a follower gives assignments', async (t) => {
  const { member, second, joining } = await preparing(t)
  await Promise.all([member.join(), joining])
  const waiting = second.sync(5, { [member.memberId]: 'wrong', [second.memberId]: 'wrong' })
  const leader = await member.sync(5, { [member.memberId]: 'one', [second.memberId]: 'two' })
  return { leader, follower: await waiting }
})

differential('SyncGroup', 'v5 a follower that waits is told of a new rebalance', async (t) => {
  const { member, second, joining } = await preparing(t)
  await Promise.all([member.join(), joining])
  const waiting = second.sync()
  const rejoining = member.join(9, { protocols: [{ name: 'range', metadata: subscription('new') }] })
  const told = await waiting
  const [leader, follower] = await Promise.all([rejoining, second.join()])
  return { told, leader, follower }
})

differential('SyncGroup', 'v5 the assignments change when the leader syncs a stable group', async (t) => {
  const member = await stable(t)
  return member.sync(5, { [member.memberId]: 'other' })
})

const wrong: ReadonlyArray<readonly [condition: string, more: Partially<SyncGroupRequest>]> = [
  ['a member that is unknown', { memberId: 'nobody' }],
  ['a generation that is too high', { generationId: 7 }],
  ['a generation of -1', { generationId: -1 }],
  ['an empty group id', { groupId: '' }],
  ['another protocol type', { protocolType: 'connect' }],
  ['another protocol name', { protocolName: 'sticky' }],
  ['no protocol type and name', { protocolType: null, protocolName: null }],
  ['an instance id that is unknown', { groupInstanceId: 'i9' }],
  ['an empty member id', { memberId: '' }],
]
for (const [condition, more] of wrong) {
  differential('SyncGroup', `v5 ${condition}`, async (t) => {
    const { client, groupId, generationId, memberId } = await stable(t)
    const right = { groupId, generationId, memberId, protocolType: 'consumer', protocolName: 'range' }
    return orClosed(client.send(syncGroupApi, 5, { ...right, ...more }))
  })
}
differential('SyncGroup', 'v5 the id of another member under an instance id', async (t) => {
  const leader = await stable(t, 'g', { groupInstanceId: 'i1' })
  await t.send(joinGroupApi, 9, joinRequest(leader.groupId, { groupInstanceId: 'i1' }))
  return leader.sync()
})

for (const version of [0, 3, 5]) {
  differential('SyncGroup', `v${version} a group that does not exist`, async (t) => {
    const groupId = await t.group('g')
    const request = {
      groupId,
      generationId: 1,
      memberId: 'm',
      protocolType: 'consumer',
      protocolName: 'range',
    }
    return t.send(syncGroupApi, version, request)
  })
  differential('SyncGroup', `v${version} a group that rebalances`, async (t) => {
    const { member } = await preparing(t)
    return member.sync(version)
  })
}

differential('SyncGroup', 'v5 a generation of before', async (t) => {
  const { leader } = await pair(t)
  leader.generationId -= 1
  return leader.sync()
})
