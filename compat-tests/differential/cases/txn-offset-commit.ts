import { deleteTopicsApi } from '../../../src/wire/messages/delete-topics.ts'
import { type CaseContext, differential, type Topic } from '../case.ts'
import { wrongIdentities, wrongly } from './identities.ts'
import { completing, Member, preparing, stable } from './members.ts'
import { commitOffset, committed } from './reading.ts'
import { IMPLICIT, TransactionalProducer } from './transactional-producer.ts'

interface Given {
  readonly producer: TransactionalProducer
  readonly topic: Topic
  readonly groupId: string
}

async function given(t: CaseContext): Promise<Given> {
  const [topic, groupId] = [await t.topic('a', { partitions: 2 }), await t.group('g')]
  return { producer: await TransactionalProducer.start(t), topic, groupId }
}

/** The last version whose group must be added first. */
const EXPLICIT_OFFSETS = 4

for (const version of [0, 1, 2, 3, 4, 5]) {
  for (const [condition, commit] of [
    ['a commit', true],
    ['an abort', false],
  ] as const) {
    differential('TxnOffsetCommit', `v${version} before and after ${condition}`, async (t) => {
      const { producer, topic, groupId } = await given(t)
      await commitOffset(t, groupId, topic, 3n)
      if (version <= EXPLICIT_OFFSETS) await producer.addOffsets(groupId)
      const answer = await producer.sendOffset(version, groupId, topic, 7n)
      const before = await committed(t, groupId, topic)
      await producer.end(commit, version >= 5 ? 5 : 4)
      return { answer, before, after: await committed(t, groupId, topic) }
    })
  }
  differential('TxnOffsetCommit', `v${version} topics and partitions that are unknown`, async (t) => {
    const { producer, topic, groupId } = await given(t)
    if (version <= EXPLICIT_OFFSETS) await producer.addOffsets(groupId)
    const partitions = [0, 7, -1].map((partitionIndex) => ({ partitionIndex, committedOffset: 5n }))
    const topics = [topic.name, 'txn-offset-commit-nowhere', ''].map((name) => ({ name, partitions }))
    return producer.sendOffset(version, groupId, topic, 0n, { topics })
  })
  // Kafka words such an error as the version of another request that waits with this one may want it.
  differential(
    'TxnOffsetCommit',
    `v${version} a group that has not been added`,
    async (t) => {
      const { producer, topic, groupId } = await given(t)
      const answer = await producer.sendOffset(version, groupId, topic, 7n)
      return { answer, described: await producer.describe() }
    },
    true,
  )
}
for (const version of [1, 4, 5]) {
  for (const [condition, wrong] of wrongIdentities) {
    differential('TxnOffsetCommit', `v${version} ${condition}`, async (t) => {
      const { producer, topic, groupId } = await given(t)
      await producer.restart()
      if (version <= EXPLICIT_OFFSETS) await producer.addOffsets(groupId)
      return producer.sendOffset(version, groupId, topic, 7n, await wrongly(t, producer, wrong))
    })
  }
}
for (const version of [2, 4, 5]) {
  for (const [condition, wrong] of wrongIdentities) {
    differential('TxnOffsetCommit', `v${version} the second time with ${condition}`, async (t) => {
      const { producer, topic, groupId } = await given(t)
      await producer.restart()
      await producer.addOffsets(groupId)
      await producer.commitOffset(groupId, topic, 5n)
      return producer.sendOffset(version, groupId, topic, 7n, await wrongly(t, producer, wrong))
    })
  }
}
for (const version of [4, 5]) {
  differential('TxnOffsetCommit', `v${version} an empty group id`, async (t) => {
    const { producer, topic } = await given(t)
    if (version <= EXPLICIT_OFFSETS) await producer.addOffsets('')
    return producer.sendOffset(version, '', topic, 7n)
  })
  differential('TxnOffsetCommit', `v${version} no topics`, async (t) => {
    const { producer, topic, groupId } = await given(t)
    return producer.sendOffset(version, groupId, topic, 7n, { topics: [] })
  })
  differential('TxnOffsetCommit', `v${version} a topic without partitions`, async (t) => {
    const { producer, topic, groupId } = await given(t)
    const topics = [{ name: topic.name, partitions: [] }]
    return producer.sendOffset(version, groupId, topic, 7n, { topics })
  })
  differential(
    'TxnOffsetCommit',
    `v${version} metadata that are too large, and a negative offset`,
    async (t) => {
      const { producer, topic, groupId } = await given(t)
      if (version <= EXPLICIT_OFFSETS) await producer.addOffsets(groupId)
      const partitions = [
        { partitionIndex: 0, committedOffset: 5n, committedMetadata: 'x'.repeat(4097) },
        { partitionIndex: 1, committedOffset: -5n, committedMetadata: null },
      ]
      const topics = [{ name: topic.name, partitions }]
      const answer = await producer.sendOffset(version, groupId, topic, 7n, { topics })
      await producer.end(true, version >= 5 ? 5 : 4)
      return { answer, after: await committed(t, groupId, topic, [0, 1]) }
    },
  )
}
differential('TxnOffsetCommit', 'v4 a partition twice in a request, and in two', async (t) => {
  const { producer, topic, groupId } = await given(t)
  await producer.addOffsets(groupId)
  const partitions = [5n, 6n].map((committedOffset) => ({ partitionIndex: 0, committedOffset }))
  const topics = [{ name: topic.name, partitions }]
  const answers = [await producer.sendOffset(4, groupId, topic, 0n, { topics })]
  answers.push(await producer.sendOffset(4, groupId, topic, 4n))
  await producer.end(true)
  return { answers, after: await committed(t, groupId, topic) }
})
differential('TxnOffsetCommit', 'v4 a commit without a transaction in between', async (t) => {
  const { producer, topic, groupId } = await given(t)
  await producer.addOffsets(groupId)
  await producer.commitOffset(groupId, topic, 9n)
  await commitOffset(t, groupId, topic, 4n)
  const between = await committed(t, groupId, topic)
  await producer.end(true)
  return { between, after: await committed(t, groupId, topic) }
})
differential('TxnOffsetCommit', 'v4 two producers for one partition', async (t) => {
  const { producer, topic, groupId } = await given(t)
  const second = await TransactionalProducer.start(t, 'second')
  for (const [one, offset] of [
    [producer, 5n],
    [second, 8n],
  ] as const) {
    await one.addOffsets(groupId)
    await one.commitOffset(groupId, topic, offset)
  }
  await second.end(true)
  const between = await committed(t, groupId, topic)
  await producer.end(true)
  return { between, after: await committed(t, groupId, topic) }
})
differential('TxnOffsetCommit', 'v5 a zombie', async (t) => {
  const { producer, topic, groupId } = await given(t)
  await producer.commitOffset(groupId, topic, 5n, 5)
  const zombie = producer.zombie()
  await producer.restart()
  const answer = await zombie.sendOffset(5, groupId, topic, 6n)
  const older = await zombie.sendOffset(4, groupId, topic, 6n)
  return { answer, older, after: await committed(t, groupId, topic) }
})
differential('TxnOffsetCommit', 'v5 the next transaction', async (t) => {
  const { producer, topic, groupId } = await given(t)
  await producer.commitOffset(groupId, topic, 5n, 5)
  await producer.end(true, 5)
  await producer.commitOffset(groupId, topic, 6n, 5)
  await producer.write(topic, 0, IMPLICIT)
  await producer.end(false, 5)
  await producer.commitOffset(groupId, topic, 7n, 5)
  await producer.end(true, 5)
  return { described: await producer.describe(), after: await committed(t, groupId, topic) }
})
differential('TxnOffsetCommit', 'v4 a topic that is deleted before the commit', async (t) => {
  const { producer, topic, groupId } = await given(t)
  await commitOffset(t, groupId, topic, 3n)
  await producer.addOffsets(groupId)
  await producer.commitOffset(groupId, topic, 5n)
  await (await t.helper()).send(deleteTopicsApi, 5, { topicNames: [topic.name], timeoutMs: 30_000 })
  await t.poll('the offsets of the topic to be gone', async () => {
    const [offset] = (await committed(t, groupId, topic)) ?? []
    return offset?.committedOffset === -1n
  })
  const answer = await producer.sendEnd(4, true)
  await producer.ended()
  return { answer, after: await committed(t, groupId, topic) }
})

const strangers = [
  ['a generation and no member', { generationId: 1 }],
  ['a member and no generation', { memberId: 'stranger' }],
  ['a member and a generation', { memberId: 'stranger', generationId: 3 }],
  ['an instance alone', { groupInstanceId: 'instance' }],
  ['a generation of -2', { generationId: -2 }],
] as const
for (const [condition, more] of strangers) {
  differential('TxnOffsetCommit', `v3 a group without members, ${condition}`, async (t) => {
    const { producer, topic, groupId } = await given(t)
    await producer.addOffsets(groupId)
    return producer.sendOffset(3, groupId, topic, 7n, more)
  })
}
/** KIP-447: who commits shows that it still is a member. */
const checks = [
  ['nothing of the member', () => ({})],
  ['the right member', ({ memberId, generationId }: Member) => ({ memberId, generationId })],
  ['another generation', ({ memberId }: Member) => ({ memberId, generationId: 99 })],
  ['an older generation', ({ memberId }: Member) => ({ memberId, generationId: 0 })],
  ['a member without a generation', ({ memberId }: Member) => ({ memberId })],
  ['another member', ({ generationId }: Member) => ({ memberId: 'stranger', generationId })],
  ['a generation without a member', ({ generationId }: Member) => ({ generationId })],
  [
    'an instance that is unknown',
    ({ memberId, generationId }: Member) => ({ memberId, generationId, groupInstanceId: 'unknown' }),
  ],
] as const
for (const version of [3, 5]) {
  for (const [condition, claim] of checks) {
    differential('TxnOffsetCommit', `v${version} a stable group, ${condition}`, async (t) => {
      const { producer, topic } = await given(t)
      const member = await stable(t)
      if (version <= EXPLICIT_OFFSETS) await producer.addOffsets(member.groupId)
      return producer.sendOffset(version, member.groupId, topic, 7n, claim(member))
    })
  }
}
for (const version of [0, 2]) {
  differential('TxnOffsetCommit', `v${version} a stable group`, async (t) => {
    const { producer, topic } = await given(t)
    const { groupId } = await stable(t)
    await producer.addOffsets(groupId)
    return producer.sendOffset(version, groupId, topic, 7n)
  })
}
differential('TxnOffsetCommit', 'v3 a group that waits for its assignment', async (t) => {
  const { producer, topic } = await given(t)
  const { groupId, memberId, generationId } = await completing(t)
  await producer.addOffsets(groupId)
  return producer.sendOffset(3, groupId, topic, 7n, { memberId, generationId })
})
differential('TxnOffsetCommit', 'v3 a group that rebalances', async (t) => {
  const { producer, topic } = await given(t)
  const { groupId, memberId, generationId } = (await preparing(t)).member
  await producer.addOffsets(groupId)
  return producer.sendOffset(3, groupId, topic, 7n, { memberId, generationId })
})
differential('TxnOffsetCommit', 'v3 an instance that has been replaced', async (t) => {
  const { producer, topic } = await given(t)
  const first = await stable(t, 'g', { groupInstanceId: 'instance' })
  const { groupId, memberId, generationId } = first
  await producer.addOffsets(groupId)
  const claim = { memberId, generationId, groupInstanceId: 'instance' }
  const right = await producer.sendOffset(3, groupId, topic, 7n, claim)
  const second = await Member.make(t, groupId, { groupInstanceId: 'instance' })
  await second.join()
  return { right, fenced: await producer.sendOffset(3, groupId, topic, 8n, claim) }
})
differential('TxnOffsetCommit', 'v4 a member of a stable group, and the end', async (t) => {
  const { producer, topic } = await given(t)
  const { groupId, memberId, generationId } = await stable(t)
  await producer.addOffsets(groupId)
  const answer = await producer.sendOffset(4, groupId, topic, 7n, { memberId, generationId })
  await producer.end(true)
  return { answer, after: await committed(t, groupId, topic) }
})
