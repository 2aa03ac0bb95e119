import { joinGroupApi } from '../../../src/wire/messages/join-group.ts'
import { type OffsetCommitRequest, offsetCommitApi } from '../../../src/wire/messages/offset-commit.ts'
import { ZERO_UUID } from '../../../src/wire/reader.ts'
import { type Client, differential, type Topic } from '../case.ts'
import type { Partially } from '../client.ts'
import { completing, joinRequest, type Member, preparing, stable } from './members.ts'
import { committed } from './reading.ts'

type Commit = Partially<OffsetCommitRequest>
type Partition = Partially<OffsetCommitRequest['topics'][number]['partitions'][number]>

/** Commits partition 0 of a topic. */
async function commit(
  sender: Pick<Client, 'send'>,
  version: number,
  groupId: string,
  topic: Topic,
  more: Commit = {},
  partitions: readonly Partition[] = [{}],
): Promise<unknown> {
  const list = partitions.map((one) => ({ committedOffset: 5n, committedMetadata: 'note', ...one }))
  return sender.send(offsetCommitApi, version, {
    groupId,
    topics: [{ name: topic.name, topicId: topic.topicId, partitions: list }],
    ...more,
  })
}

const asMember = (member: Member): Commit => ({
  memberId: member.memberId,
  generationIdOrMemberEpoch: member.generationId,
})

for (const version of [2, 3, 4, 5, 6, 7, 8, 9, 10]) {
  differential('OffsetCommit', `v${version} without a member`, async (t) => {
    const [topic, groupId] = [await t.topic('a'), await t.group('g')]
    const answer = await commit(t, version, groupId, topic, {}, [
      { committedLeaderEpoch: version >= 6 ? 0 : -1 },
    ])
    return { answer, committed: await committed(t, groupId, topic) }
  })
}
for (const version of [2, 5, 7, 9]) {
  differential('OffsetCommit', `v${version} of a member`, async (t) => {
    const [topic, member] = [await t.topic('a'), await stable(t)]
    const answer = await commit(t, version, member.groupId, topic, asMember(member))
    return { answer, committed: await committed(t, member.groupId, topic) }
  })
}

const values: ReadonlyArray<readonly [condition: string, partition: Partition]> = [
  ['null metadata', { committedMetadata: null }],
  ['empty metadata', { committedMetadata: '' }],
  ['metadata of 4096 bytes', { committedMetadata: 'x'.repeat(4096) }],
  ['metadata of 4097 bytes', { committedMetadata: 'x'.repeat(4097) }],
  ['metadata of 4096 characters that are more bytes', { committedMetadata: 'é'.repeat(4096) }],
  ['a negative offset', { committedOffset: -1n }],
  ['an offset of -2', { committedOffset: -2n }],
  ['an offset beyond the log', { committedOffset: 2n ** 60n }],
  ['a leader epoch of its own', { committedLeaderEpoch: 7 }],
  ['an unknown partition', { partitionIndex: 9 }],
  ['a negative partition', { partitionIndex: -1 }],
]
for (const [condition, partition] of values) {
  differential('OffsetCommit', `v8 ${condition}`, async (t) => {
    const [topic, groupId] = [await t.topic('a'), await t.group('g')]
    const answer = await commit(t, 8, groupId, topic, {}, [partition])
    return { answer, committed: await committed(t, groupId, topic) }
  })
}

const nowhere: Topic = { name: 'offset-commit-nowhere', topicId: 'AAAAAAAAAAAAAAAAAAAQAA' }
differential('OffsetCommit', 'v8 an unknown topic', async (t) => commit(t, 8, await t.group('g'), nowhere))
differential('OffsetCommit', 'v8 a bad topic name', async (t) =>
  commit(t, 8, await t.group('g'), { name: 'not a name', topicId: ZERO_UUID }),
)
differential('OffsetCommit', 'v10 an unknown topic id', async (t) =>
  commit(t, 10, await t.group('g'), nowhere),
)
differential('OffsetCommit', 'v10 the topic id of nothing', async (t) =>
  commit(t, 10, await t.group('g'), { name: '', topicId: ZERO_UUID }),
)
differential('OffsetCommit', 'v8 no topics', async (t) =>
  t.send(offsetCommitApi, 8, { groupId: await t.group('g') }),
)
differential('OffsetCommit', 'v8 the same partition twice', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  const answer = await commit(t, 8, groupId, topic, {}, [{ committedOffset: 1n }, { committedOffset: 2n }])
  return { answer, committed: await committed(t, groupId, topic) }
})
differential('OffsetCommit', 'v8 good and bad partitions', async (t) => {
  const [topic, groupId] = [await t.topic('a', { partitions: 2 }), await t.group('g')]
  return commit(t, 8, groupId, topic, {}, [
    { partitionIndex: 9 },
    { partitionIndex: 1, committedMetadata: 'x'.repeat(5000) },
    { partitionIndex: 0 },
  ])
})
differential('OffsetCommit', 'v3 a retention time of its own', async (t) =>
  commit(t, 3, await t.group('g'), await t.topic('a'), { retentionTimeMs: 1000n }),
)
differential('OffsetCommit', 'v8 an empty group id', async (t) => commit(t, 8, '', await t.topic('a')))
differential('OffsetCommit', 'v8 a group with a slash and a space', async (t) => {
  const topic = await t.topic('a')
  const groupId = await t.group('g / h')
  return commit(t, 8, groupId, topic)
})

for (const version of [8, 9]) {
  const bad: ReadonlyArray<readonly [condition: string, more: Commit]> = [
    ['a generation in a group that does not exist', { generationIdOrMemberEpoch: 3, memberId: 'm' }],
    ['a member id in a group that does not exist', { memberId: 'm' }],
    ['an instance id in a group that does not exist', { groupInstanceId: 'i1' }],
  ]
  for (const [condition, more] of bad) {
    differential('OffsetCommit', `v${version} ${condition}`, async (t) =>
      commit(t, version, await t.group('g'), await t.topic('a'), more),
    )
  }
  const badOfMember: ReadonlyArray<readonly [condition: string, more: Commit]> = [
    ['a member that is unknown', { memberId: 'nobody' }],
    ['a generation that is too low', { generationIdOrMemberEpoch: 0 }],
    ['a generation that is too high', { generationIdOrMemberEpoch: 9 }],
    ['no member in a group with members', { memberId: '', generationIdOrMemberEpoch: -1 }],
    ['a member without a generation', { generationIdOrMemberEpoch: -1 }],
    ['an instance id that is unknown', { groupInstanceId: 'i9' }],
  ]
  for (const [condition, more] of badOfMember) {
    differential('OffsetCommit', `v${version} ${condition}`, async (t) => {
      const [topic, member] = [await t.topic('a'), await stable(t)]
      return commit(t, version, member.groupId, topic, { ...asMember(member), ...more })
    })
  }
}

differential('OffsetCommit', 'v8 while the group waits for the assignment', async (t) => {
  const [topic, member] = [await t.topic('a'), await completing(t)]
  return commit(t, 8, member.groupId, topic, asMember(member))
})
differential('OffsetCommit', 'v8 while the group rebalances', async (t) => {
  const [topic, { member }] = [await t.topic('a'), await preparing(t)]
  return commit(t, 8, member.groupId, topic, asMember(member))
})
differential('OffsetCommit', 'v8 a static member that has been replaced', async (t) => {
  const topic = await t.topic('a')
  const member = await stable(t, 'g', { groupInstanceId: 'i1' })
  await t.send(joinGroupApi, 9, joinRequest(member.groupId, { groupInstanceId: 'i1' }))
  return commit(t, 8, member.groupId, topic, { ...asMember(member), groupInstanceId: 'i1' })
})
