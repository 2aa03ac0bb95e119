import { joinGroupApi } from '../../../src/wire/messages/join-group.ts'
import { differential } from '../case.ts'
import {
  completing,
  emptied,
  type Join,
  joinRequest,
  Member,
  pair,
  preparing,
  stable,
  subscription,
  untilSize,
  untilState,
} from './members.ts'

for (const version of [0, 1, 2, 3]) {
  differential('JoinGroup', `v${version} the first member`, async (t) =>
    t.send(joinGroupApi, version, joinRequest(await t.group('g'))),
  )
}
for (const version of [4, 5, 6, 7, 8, 9]) {
  differential('JoinGroup', `v${version} the first member, told its id and joining again`, async (t) => {
    const request = joinRequest(await t.group('g'), { reason: version >= 8 ? 'start' : null })
    const asked = await t.send(joinGroupApi, version, request)
    return { asked, joined: await t.send(joinGroupApi, version, { ...request, memberId: asked.memberId }) }
  })
}
for (const version of [5, 7, 9]) {
  differential('JoinGroup', `v${version} the first member, static`, async (t) =>
    t.send(joinGroupApi, version, joinRequest(await t.group('g'), { groupInstanceId: 'i1' })),
  )
}

const refused: ReadonlyArray<readonly [condition: string, more: Join]> = [
  ['an empty group id', { groupId: '' }],
  ['a session timeout that is too short', { sessionTimeoutMs: 99 }],
  ['a session timeout that is too long', { sessionTimeoutMs: 1_800_001 }],
  ['a negative session timeout', { sessionTimeoutMs: -1 }],
  ['a member id in a group that does not exist', { memberId: 'nobody' }],
  ['no protocols', { protocols: [] }],
  ['an empty protocol type', { protocolType: '' }],
  [
    'an instance id and a member id in a group that does not exist',
    { groupInstanceId: 'i1', memberId: 'nobody' },
  ],
  ['an empty instance id', { groupInstanceId: '' }],
  ['a rebalance timeout of -1', { rebalanceTimeoutMs: -1 }],
]
for (const version of [3, 5, 7]) {
  for (const [condition, more] of refused) {
    if (version !== 5 && !['an empty group id', 'no protocols'].includes(condition)) continue
    differential('JoinGroup', `v${version} ${condition}`, async (t) =>
      t.send(joinGroupApi, version, joinRequest(await t.group('g'), more)),
    )
  }
}

const refusedByMembers: ReadonlyArray<readonly [condition: string, more: Join]> = [
  ['a member id that is unknown', { memberId: 'nobody' }],
  ['another protocol type', { protocolType: 'connect' }],
  ['no protocol in common', { protocols: [{ name: 'sticky', metadata: subscription() }] }],
  ['no protocols to a group with members', { protocols: [] }],
  [
    'an instance id that is unknown with a member id that is unknown',
    { groupInstanceId: 'i9', memberId: 'nobody' },
  ],
]
for (const version of [5, 9]) {
  for (const [condition, more] of refusedByMembers) {
    differential('JoinGroup', `v${version} ${condition}`, async (t) => {
      const { groupId } = await stable(t)
      return t.send(joinGroupApi, version, joinRequest(groupId, more))
    })
  }
}

differential('JoinGroup', 'v9 protocols of an empty group that had others', async (t) => {
  const groupId = await emptied(t)
  const more = { protocolType: 'connect', protocols: [{ name: 'other', metadata: subscription() }] }
  return t.send(joinGroupApi, 3, joinRequest(groupId, more))
})

differential('JoinGroup', 'v9 the group is full', async (t) => {
  const first = await stable(t)
  const others: Member[] = []
  for (let count = 0; count < 3; count++) others.push(await Member.make(t, first.groupId))
  const joining = others.map((member) => member.join())
  await untilSize(t, first.groupId, 4)
  await Promise.all([first.join(), ...joining])
  const answers: unknown[] = []
  for (const version of [3, 4, 5, 9]) {
    answers.push(await t.send(joinGroupApi, version, joinRequest(first.groupId)))
  }
  answers.push(await t.send(joinGroupApi, 9, joinRequest(first.groupId, { groupInstanceId: 'i5' })))
  return answers
})

differential('JoinGroup', 'v9 the only member joins again, the leader', async (t) => {
  const member = await stable(t)
  return member.join()
})
differential('JoinGroup', 'v9 the only member joins again with other metadata', async (t) => {
  const member = await stable(t)
  return member.join(9, { protocols: [{ name: 'range', metadata: subscription('other') }] })
})
differential('JoinGroup', 'v9 joins again before the assignment', async (t) => {
  const member = await completing(t)
  return {
    same: await member.join(),
    other: await member.join(9, { protocols: [{ name: 'sticky', metadata: subscription() }] }),
  }
})
differential('JoinGroup', 'v9 a follower joins again with the same metadata', async (t) => {
  const { follower } = await pair(t)
  return follower.join()
})
differential('JoinGroup', 'v4 a follower joins again with the same metadata', async (t) => {
  const { follower } = await pair(t)
  return follower.join(4)
})
differential('JoinGroup', 'v9 a follower joins before the assignment', async (t) => {
  const { member, second, joining } = await preparing(t)
  await Promise.all([member.join(), joining])
  return second.join()
})

for (const version of [3, 5, 9]) {
  differential('JoinGroup', `v${version} a second member: both are answered, one leads`, async (t) => {
    const { member, joining } = await preparing(t)
    const [first, second] = await Promise.all([member.join(version), joining])
    return { first, second }
  })
}

differential('JoinGroup', 'v9 members vote for a protocol', async (t) => {
  const protocols = (who: string, ...names: readonly string[]): Join => ({
    protocols: names.map((name) => ({ name, metadata: subscription(name, who) })),
  })
  const member = await stable(t, 'g', protocols('first', 'a', 'b', 'c'))
  const second = await Member.make(t, member.groupId, protocols('second', 'c', 'b'))
  const joining = second.join()
  await member.untilRebalance(t)
  const [first, other] = await Promise.all([member.join(), joining])
  return { first, other }
})

differential('JoinGroup', 'v9 a member that does not join again is dropped', async (t) => {
  const { member, second, joining } = await preparing(t, 'g', { rebalanceTimeoutMs: 1500 })
  const joined = await joining
  return { joined, dropped: await member.heartbeat(), second: await second.heartbeat() }
})

differential('JoinGroup', 'v9 a member whose session ends while it waits is kept', async (t) => {
  const member = await stable(t, 'g', { rebalanceTimeoutMs: 1000 })
  const second = await Member.make(t, member.groupId, { sessionTimeoutMs: 200, rebalanceTimeoutMs: 1000 })
  return second.join()
})

differential('JoinGroup', 'v9 the assignment does not come in time', async (t) => {
  const member = await completing(t, 'g', { rebalanceTimeoutMs: 200 })
  await untilState(t, member.groupId, 'Empty')
  return member.heartbeat()
})

differential('JoinGroup', 'v9 an id that was given but not used in time', async (t) => {
  const member = await Member.make(t, await t.group('g'), { sessionTimeoutMs: 150 })
  await t.poll('the id to be forgotten', async () => {
    const answer = await member.client.raw.send(
      joinGroupApi,
      9,
      joinRequest(member.groupId, { groupInstanceId: 'x', memberId: member.memberId }),
    )
    return answer.errorCode === 25
  })
  await new Promise((resolve) => setTimeout(resolve, 400))
  return member.join()
})

differential('JoinGroup', 'v9 a session that ends', async (t) => {
  const member = await stable(t, 'g', { sessionTimeoutMs: 1500 })
  await untilState(t, member.groupId, 'Empty')
  return { heartbeat: await member.heartbeat(), join: await member.join() }
})

for (const version of [5, 8, 9]) {
  differential('JoinGroup', `v${version} a static leader comes back without its member id`, async (t) => {
    const leader = await stable(t, 'g', { groupInstanceId: 'i1' })
    const back = await t.send(joinGroupApi, version, joinRequest(leader.groupId, { groupInstanceId: 'i1' }))
    return { back, old: await leader.heartbeat() }
  })
}

differential('JoinGroup', 'v9 a static follower comes back without its member id', async (t) => {
  const groupId = await t.group('g')
  const leader = await Member.make(t, groupId, { groupInstanceId: 'i1' })
  await leader.join()
  await leader.sync(5, { [leader.memberId]: 'one' })
  const follower = await Member.make(t, groupId, { groupInstanceId: 'i2' })
  const joining = follower.join()
  await leader.untilRebalance(t)
  await Promise.all([leader.join(), joining])
  await leader.sync(5, { [leader.memberId]: 'one', [follower.memberId]: 'two' })
  const back = await t.send(joinGroupApi, 9, joinRequest(groupId, { groupInstanceId: 'i2' }))
  return { back, leader: await leader.heartbeat() }
})

differential('JoinGroup', 'v9 a static member comes back with other metadata', async (t) => {
  const leader = await stable(t, 'g', { groupInstanceId: 'i1' })
  const protocols = [{ name: 'range', metadata: subscription('new') }]
  return t.send(joinGroupApi, 9, joinRequest(leader.groupId, { groupInstanceId: 'i1', protocols }))
})

differential('JoinGroup', 'v9 a static member comes back before the assignment', async (t) => {
  const leader = await completing(t, 'g', { groupInstanceId: 'i1' })
  const back = await t.send(joinGroupApi, 9, joinRequest(leader.groupId, { groupInstanceId: 'i1' }))
  return { back, old: await leader.sync() }
})

differential('JoinGroup', 'v9 a static member with the member id of before', async (t) => {
  const leader = await stable(t, 'g', { groupInstanceId: 'i1' })
  await t.send(joinGroupApi, 9, joinRequest(leader.groupId, { groupInstanceId: 'i1' }))
  return leader.join()
})

differential('JoinGroup', 'v9 a static member with a member id that is unknown', async (t) => {
  const leader = await stable(t, 'g', { groupInstanceId: 'i1' })
  return t.send(joinGroupApi, 9, joinRequest(leader.groupId, { groupInstanceId: 'i1', memberId: 'nobody' }))
})

differential('JoinGroup', 'v9 a waiting join whose instance is taken over', async (t) => {
  const member = await stable(t)
  const first = await Member.make(t, member.groupId, { groupInstanceId: 'i1' })
  const waiting = first.join()
  await member.untilRebalance(t)
  const second = await Member.make(t, member.groupId, { groupInstanceId: 'i1' })
  const taking = second.join()
  const fenced = await waiting
  const [leader, taken] = await Promise.all([member.join(), taking])
  return { fenced, leader, taken }
})

const metadata: ReadonlyArray<readonly [condition: string, metadata: Buffer]> = [
  ['empty', Buffer.alloc(0)],
  ['cut', Buffer.from('0000000000', 'hex')],
  ['of a version that is unknown', Buffer.from('00630000000000000000', 'hex')],
  ['of a negative version', Buffer.from('ffff0000000000000000', 'hex')],
]
for (const [condition, bytes] of metadata) {
  differential('JoinGroup', `v3 a subscription that is ${condition}`, async (t) =>
    t.send(
      joinGroupApi,
      3,
      joinRequest(await t.group('g'), { protocols: [{ name: 'range', metadata: bytes }] }),
    ),
  )
}
