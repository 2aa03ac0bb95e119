/** ListGroups, DescribeGroups, DeleteGroups. */
import { deleteGroupsApi } from '../../../src/wire/messages/delete-groups.ts'
import { describeGroupsApi } from '../../../src/wire/messages/describe-groups.ts'
import { type ListGroupsRequest, listGroupsApi } from '../../../src/wire/messages/list-groups.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'
import { completing, emptied, Member, pair, preparing, stable } from './members.ts'
import { commitOffset, committed } from './reading.ts'

/** Groups in every state; their names say which. */
async function everyKind(t: CaseContext): Promise<void> {
  const topic = await t.topic('a')
  await commitOffset(t, await t.group('simple'), topic, 1n)
  await stable(t, 'stable')
  await stable(t, 'connect', { protocolType: 'connect' })
  await completing(t, 'completing')
  await preparing(t, 'preparing')
  await emptied(t, 'empty')
}

/** The answer with this case's groups alone. */
async function list(
  t: CaseContext,
  version: number,
  request: Partially<ListGroupsRequest> = {},
): Promise<unknown> {
  const answer = await t.send(listGroupsApi, version, request)
  return { ...answer, groups: answer.groups.filter((group) => group.groupId.startsWith(t.name(''))) }
}

for (const version of [0, 1, 2, 3, 4, 5]) {
  differential('ListGroups', `v${version} groups in every state`, async (t) => {
    await everyKind(t)
    return list(t, version)
  })
}

differential('ListGroups', 'v4 by state', async (t) => {
  await everyKind(t)
  const out: Record<string, unknown> = {}
  for (const states of [
    ['Stable'],
    ['empty'],
    ['PREPARINGREBALANCE'],
    ['CompletingRebalance', 'Empty'],
    ['Dead'],
    ['nonsense'],
    [''],
  ]) {
    out[states.join(' ')] = await list(t, 4, { statesFilter: states })
  }
  return out
})
differential('ListGroups', 'v5 by type', async (t) => {
  await everyKind(t)
  const out: Record<string, unknown> = {}
  for (const types of [
    ['classic'],
    ['Classic'],
    ['CLASSIC'],
    ['consumer'],
    ['share'],
    ['nonsense'],
    ['consumer', 'classic'],
  ]) {
    out[types.join(' ')] = await list(t, 5, { typesFilter: types })
  }
  return out
})
differential('ListGroups', 'v5 by state and type', async (t) => {
  await everyKind(t)
  return list(t, 5, { statesFilter: ['Stable', 'Assigning'], typesFilter: ['classic', 'consumer'] })
})

for (const version of [0, 1, 2, 3, 4, 5, 6]) {
  differential('DescribeGroups', `v${version} groups in every state`, async (t) => {
    await everyKind(t)
    const names = ['simple', 'stable', 'connect', 'completing', 'preparing', 'empty', 'unknown']
    return t.send(describeGroupsApi, version, { groups: names.map((name) => t.name(name)) })
  })
}
for (const version of [0, 5, 6]) {
  differential('DescribeGroups', `v${version} an empty group id`, (t) =>
    t.send(describeGroupsApi, version, { groups: [''] }),
  )
}
differential('DescribeGroups', 'v5 no groups', (t) => t.send(describeGroupsApi, 5, {}))
differential('DescribeGroups', 'v5 a leader and a follower', async (t) => {
  const { leader } = await pair(t)
  return t.send(describeGroupsApi, 5, { groups: [leader.groupId] })
})
differential('DescribeGroups', 'v5 a static member', async (t) => {
  const { groupId } = await stable(t, 'g', { groupInstanceId: 'i1' })
  return t.send(describeGroupsApi, 5, { groups: [groupId] })
})
differential('DescribeGroups', 'v5 a member without a client id', async (t) => {
  const groupId = await t.group('g')
  const client = await t.connect(null)
  const member = await Member.make(t, groupId, {}, client)
  await member.join()
  return t.send(describeGroupsApi, 5, { groups: [groupId] })
})
for (const version of [3, 6]) {
  differential('DescribeGroups', `v${version} authorized operations`, async (t) => {
    const { groupId } = await stable(t)
    return t.send(describeGroupsApi, version, {
      groups: [groupId, t.name('unknown')],
      includeAuthorizedOperations: true,
    })
  })
}
differential('DescribeGroups', 'v5 the same group twice', async (t) => {
  const { groupId } = await stable(t)
  return t.send(describeGroupsApi, 5, { groups: [groupId, groupId] })
})

for (const version of [0, 1, 2]) {
  differential('DeleteGroups', `v${version} groups in every state`, async (t) => {
    await everyKind(t)
    const names = ['simple', 'stable', 'connect', 'completing', 'preparing', 'empty', 'unknown']
    return t.send(deleteGroupsApi, version, { groupsNames: names.map((name) => t.name(name)) })
  })
}
differential('DeleteGroups', 'v2 takes the offsets along', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  await commitOffset(t, groupId, topic, 3n)
  const answer = await t.send(deleteGroupsApi, 2, { groupsNames: [groupId] })
  const described = await t.send(describeGroupsApi, 6, { groups: [groupId] })
  return { answer, described, committed: await committed(t, groupId, topic) }
})
differential('DeleteGroups', 'v2 an empty group id', (t) => t.send(deleteGroupsApi, 2, { groupsNames: [''] }))
differential('DeleteGroups', 'v2 no groups', (t) => t.send(deleteGroupsApi, 2, {}))
differential('DeleteGroups', 'v2 the same group twice', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  await commitOffset(t, groupId, topic, 3n)
  return t.send(deleteGroupsApi, 2, { groupsNames: [groupId, groupId] })
})
