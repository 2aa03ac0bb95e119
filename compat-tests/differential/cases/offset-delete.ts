import { offsetDeleteApi } from '../../../src/wire/messages/offset-delete.ts'
import { differential, type Topic } from '../case.ts'
import { preparing, stable, subscription } from './members.ts'
import { commitOffset, committed } from './reading.ts'

const list = (topic: Topic, ...indexes: readonly number[]) => [
  { name: topic.name, partitions: indexes.map((partitionIndex) => ({ partitionIndex })) },
]

differential(
  'OffsetDelete',
  'v0 of an empty group: a committed partition, another, one that does not exist',
  async (t) => {
    const [topic, groupId] = [await t.topic('a', { partitions: 2 }), await t.group('g')]
    await commitOffset(t, groupId, topic, 5n)
    const answer = await t.send(offsetDeleteApi, 0, { groupId, topics: list(topic, 0, 1, 9) })
    return { answer, committed: await committed(t, groupId, topic) }
  },
)
differential('OffsetDelete', 'v0 one partition of two', async (t) => {
  const [topic, other, groupId] = [await t.topic('a'), await t.topic('b'), await t.group('g')]
  await commitOffset(t, groupId, topic, 5n)
  await commitOffset(t, groupId, other, 6n)
  const answer = await t.send(offsetDeleteApi, 0, { groupId, topics: list(topic, 0) })
  return { answer, gone: await committed(t, groupId, topic), kept: await committed(t, groupId, other) }
})
differential('OffsetDelete', 'v0 a group that does not exist', async (t) =>
  t.send(offsetDeleteApi, 0, { groupId: await t.group('g'), topics: list(await t.topic('a'), 0) }),
)
differential('OffsetDelete', 'v0 an empty group id', async (t) =>
  t.send(offsetDeleteApi, 0, { groupId: '', topics: list(await t.topic('a'), 0) }),
)
differential('OffsetDelete', 'v0 no topics', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  await commitOffset(t, groupId, topic, 5n)
  return t.send(offsetDeleteApi, 0, { groupId })
})
differential('OffsetDelete', 'v0 a group that does not exist, no topics', async (t) =>
  t.send(offsetDeleteApi, 0, { groupId: await t.group('g') }),
)
differential('OffsetDelete', 'v0 an unknown topic', async (t) => {
  const [topic, groupId] = [await t.topic('a'), await t.group('g')]
  await commitOffset(t, groupId, topic, 5n)
  return t.send(offsetDeleteApi, 0, {
    groupId,
    topics: list({ name: 'offset-delete-nowhere', topicId: '' }, 0),
  })
})
differential('OffsetDelete', 'v0 a topic that members are subscribed to, and another', async (t) => {
  const [topic, other] = [await t.topic('a'), await t.topic('b')]
  const groupId = await t.group('g')
  await commitOffset(t, groupId, topic, 5n)
  await commitOffset(t, groupId, other, 6n)
  await stable(t, 'g', { protocols: [{ name: 'range', metadata: subscription(topic.name) }] })
  return t.send(offsetDeleteApi, 0, { groupId, topics: [...list(topic, 0), ...list(other, 0)] })
})
differential('OffsetDelete', 'v0 of a group that rebalances', async (t) => {
  const topic = await t.topic('a')
  const { member } = await preparing(t)
  return t.send(offsetDeleteApi, 0, { groupId: member.groupId, topics: list(topic, 0) })
})
differential('OffsetDelete', 'v0 of a group with members that are no consumers', async (t) => {
  const topic = await t.topic('a')
  const { groupId } = await stable(t, 'g', { protocolType: 'connect' })
  return t.send(offsetDeleteApi, 0, { groupId, topics: list(topic, 0) })
})
