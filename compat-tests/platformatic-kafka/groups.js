/** @platformatic/kafka in groups. */
import { crashedWorker, expect, hold, numbered, shared, unique, until } from '../js-harness.js'
import { createTopic, messages, produce, Reader, withAdmin } from './client.js'

/** Waits until the group is stable with that many members. */
export function described(group, members) {
  return withAdmin((admin) =>
    until(`${group} is stable with ${members} members`, async () => {
      const found = (await admin.describeGroups({ groups: [group] })).get(group)
      return found?.state === 'Stable' && found.members.size === members ? found : undefined
    }),
  )
}

export async function rebalances() {
  const [topic, group] = [await createTopic('rebalance', 4), unique('rebalance')]
  const one = await new Reader(topic, group).join()
  await until('one has all', () => one.holdsAll(4))
  const two = await new Reader(topic, group).join()
  await until('both share', () => shared(4, one.assigned(), two.assigned()))
  expect([one.assigned().length, two.assigned().length], [2, 2], 'fair shares')
  const { protocol, protocolType } = await described(group, 2)
  expect([protocol, protocolType], ['roundrobin', 'consumer'])
  for (let partition = 0; partition < 4; partition++) await produce(topic, messages(numbered(2), partition))
  for (const reader of [one, two]) {
    const read = await reader.read(4)
    expect([...new Set(read.map(({ partition }) => partition))].sort(), reader.assigned(), 'partitions read')
  }
  await two.close()
  await until('one has all again', () => one.holdsAll(4))
  await one.close()
}

export async function cooperative() {
  const [topic, group] = [await createTopic('cooperative', 4), unique('cooperative')]
  const member = () =>
    new Reader(topic, group, { protocols: [{ name: 'cooperative-sticky', version: 1 }] }).join()
  const one = await member()
  await until('one has all', () => one.holdsAll(4))
  const first = one.events.length - 1
  const two = await member()
  await until('both share', () => shared(4, one.assigned(), two.assigned()))
  // What stays is never given up: each assignment of the first is a part of the one before.
  const held = one.assigned()
  for (const assignment of one.events.slice(first)) {
    expect(
      held.filter((partition) => assignment.includes(partition)),
      held,
      'what stays',
    )
  }
  expect((await described(group, 2)).protocol, 'cooperative-sticky')
  await two.close()
  await until('one has all again', () => one.holdsAll(4))
  await one.close()
}

export async function staticMembers() {
  const [topic, group] = [await createTopic('static', 4), unique('static')]
  const member = (groupInstanceId) => new Reader(topic, group, { groupInstanceId }).join()
  const [one, two] = [await member('one'), await member('two')]
  await until('both share', () => shared(4, one.assigned(), two.assigned()))
  const ids = async () => {
    const { members } = await described(group, 2)
    return Object.fromEntries([...members.values()].map(({ groupInstanceId, id }) => [groupInstanceId, id]))
  }
  const [held, before, events] = [one.assigned(), await ids(), [...two.events]]
  expect(Object.keys(before).sort(), ['one', 'two'], 'instances')

  // A second one of the same name has its place: the same partitions, and no rebalance elsewhere.
  const again = await member('one')
  await until('it has its partitions', () => `${again.assigned()}` === `${held}`)
  expect(two.events, events, 'rebalances of the other')
  const now = await ids()
  expect(now.two, before.two, 'member id of the other')
  if (now.one === before.one) throw new Error('the one that returned has its old member id')
  // The first is fenced, and takes the name back as a new member.
  await until('the first joins anew', () => ![null, before.one].includes(one.consumer.memberId))
  for (const reader of [one, again, two]) await reader.close().catch(() => {})
}

export async function crashAndResume() {
  const [topic, group] = [await createTopic('crash'), unique('crash')]
  await produce(topic, messages(numbered(20)))
  await crashedWorker(topic, group)
  const reader = await new Reader(topic, group).join()
  expect(await reader.offsets(12), [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], 'what the successor reads')
  await reader.close()
}

/** Commits after every fourth message, and holds the one at offset 10 until it is killed. */
export async function crashWorker(topic, group) {
  const reader = await new Reader(topic, group).join()
  for (let offset = 0; ; offset++) {
    const message = (await reader.read(offset + 1))[offset]
    if (offset === 10) await hold()
    if ((offset + 1) % 4 === 0) await message.commit()
  }
}
