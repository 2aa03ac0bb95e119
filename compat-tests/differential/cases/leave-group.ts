import { describeGroupsApi } from '../../../src/wire/messages/describe-groups.ts'
import { joinGroupApi } from '../../../src/wire/messages/join-group.ts'
import { leaveGroupApi } from '../../../src/wire/messages/leave-group.ts'
import { differential } from '../case.ts'
import { completing, joinRequest, Member, pair, preparing, stable } from './members.ts'

for (const version of [0, 1, 2]) {
  differential('LeaveGroup', `v${version} the only member`, async (t) => {
    const { groupId, memberId } = await stable(t)
    const left = await t.send(leaveGroupApi, version, { groupId, memberId })
    return { left, again: await t.send(leaveGroupApi, version, { groupId, memberId }) }
  })
}
for (const version of [3, 4, 5]) {
  differential('LeaveGroup', `v${version} the only member`, async (t) => {
    const { groupId, memberId } = await stable(t)
    const request = { groupId, members: [{ memberId, reason: version >= 5 ? 'done' : null }] }
    const left = await t.send(leaveGroupApi, version, request)
    return { left, again: await t.send(leaveGroupApi, version, request) }
  })
}

for (const version of [0, 2, 3, 5]) {
  const one = version < 3 ? { memberId: 'm' } : { members: [{ memberId: 'm' }, { memberId: 'n' }] }
  differential('LeaveGroup', `v${version} a group that does not exist`, async (t) =>
    t.send(leaveGroupApi, version, { groupId: await t.group('g'), ...one }),
  )
  differential('LeaveGroup', `v${version} a member that is unknown`, async (t) =>
    t.send(leaveGroupApi, version, { groupId: (await stable(t)).groupId, ...one }),
  )
  differential('LeaveGroup', `v${version} an empty group id`, (t) =>
    t.send(leaveGroupApi, version, { groupId: '', ...one }),
  )
}

differential('LeaveGroup', 'v5 no members', async (t) =>
  t.send(leaveGroupApi, 5, { groupId: (await stable(t)).groupId }),
)
differential('LeaveGroup', 'v5 one good and one unknown member', async (t) => {
  const { leader, follower } = await pair(t)
  const members = [{ memberId: 'nobody' }, { memberId: follower.memberId }]
  const answer = await t.send(leaveGroupApi, 5, { groupId: leader.groupId, members })
  return { answer, leader: await leader.heartbeat() }
})
differential('LeaveGroup', 'v5 the same member twice', async (t) => {
  const { groupId, memberId } = await stable(t)
  return t.send(leaveGroupApi, 5, { groupId, members: [{ memberId }, { memberId }] })
})
differential('LeaveGroup', 'v5 a static member by its instance id', async (t) => {
  const { groupId } = await stable(t, 'g', { groupInstanceId: 'i1' })
  const answer = await t.send(leaveGroupApi, 5, { groupId, members: [{ groupInstanceId: 'i1' }] })
  return { answer, group: await t.send(describeGroupsApi, 5, { groups: [groupId] }) }
})
differential('LeaveGroup', 'v5 an instance id that is unknown', async (t) => {
  const { groupId } = await stable(t, 'g', { groupInstanceId: 'i1' })
  return t.send(leaveGroupApi, 5, { groupId, members: [{ groupInstanceId: 'i2' }] })
})
differential('LeaveGroup', 'v5 an instance id with a member id that has been replaced', async (t) => {
  const { groupId, memberId } = await stable(t, 'g', { groupInstanceId: 'i1' })
  await t.send(joinGroupApi, 9, joinRequest(groupId, { groupInstanceId: 'i1' }))
  return t.send(leaveGroupApi, 5, { groupId, members: [{ memberId, groupInstanceId: 'i1' }] })
})
differential('LeaveGroup', 'v5 a static member by its member id', async (t) => {
  const { groupId, memberId } = await stable(t, 'g', { groupInstanceId: 'i1' })
  return t.send(leaveGroupApi, 5, { groupId, members: [{ memberId }] })
})
differential('LeaveGroup', 'v5 a member that was given its id and has not joined', async (t) => {
  const member = await Member.make(t, (await stable(t)).groupId)
  const { groupId, memberId } = member
  return t.send(leaveGroupApi, 5, { groupId, members: [{ memberId }] })
})
differential('LeaveGroup', 'v5 before the assignment', async (t) => {
  const { groupId, memberId } = await completing(t)
  return t.send(leaveGroupApi, 5, { groupId, members: [{ memberId }] })
})
differential('LeaveGroup', 'v5 the member that the others wait for', async (t) => {
  const { member, joining } = await preparing(t)
  const { groupId, memberId } = member
  const left = await t.send(leaveGroupApi, 5, { groupId, members: [{ memberId }] })
  return { left, joined: await joining }
})
