/** @confluentinc/kafka-javascript in groups. */
import { crashedWorker, expect, hold, numbered, shared, unique, until, upTo } from '../js-harness.js'
import { createTopic, messages, produce, Reader, withAdmin } from './client.js'

export function described(group) {
  return withAdmin(async (admin) => (await admin.describeGroups([group])).groups[0])
}

export async function rebalances() {
  for (const strategy of ['range', 'roundrobin']) {
    const [topic, group] = [await createTopic('rebalance', 4), unique('rebalance')]
    const member = () => new Reader(topic, group, { kafkaJS: { partitionAssigners: [strategy] } }).run()
    const one = await member()
    await until('one has all', () => one.holdsAll(4))
    const two = await member()
    await until('both share', () => shared(4, one.assigned(), two.assigned()))
    expect([one.assigned().length, two.assigned().length], [2, 2], 'fair shares')
    expect(
      one.events.slice(0, 2),
      [
        ['assign', upTo(4)],
        ['revoke', upTo(4)],
      ],
      'eager: all is given up',
    )
    expect((await described(group)).partitionAssignor, strategy)
    for (const partition of upTo(4)) await produce(topic, messages(numbered(2), partition))
    for (const reader of [one, two]) {
      const read = await reader.read(4)
      expect(
        [...new Set(read.map(({ partition }) => partition))].sort(),
        reader.assigned(),
        'partitions read',
      )
    }
    await two.close()
    await until('one has all again', () => one.holdsAll(4))
    await one.close()
  }
}

export async function cooperative() {
  const [topic, group] = [await createTopic('cooperative', 4), unique('cooperative')]
  const member = () =>
    new Reader(topic, group, { kafkaJS: { partitionAssigners: ['cooperative-sticky'] } }).run()
  const one = await member()
  await until('one has all', () => one.holdsAll(4))
  const two = await member()
  await until('both share', () => shared(4, one.assigned(), two.assigned()) && one.assigned().length === 2)
  const revoked = one.events.filter(([kind, partitions]) => kind === 'revoke' && partitions.length > 0)
  expect(revoked, [['revoke', two.assigned()]], 'only what moves is given up')
  expect((await described(group)).partitionAssignor, 'cooperative-sticky')
  await two.close()
  await until('one has all again', () => one.holdsAll(4))
  await one.close()
}

export async function staticMembers() {
  const [topic, group] = [await createTopic('static', 4), unique('static')]
  const member = (name) => new Reader(topic, group, { 'group.instance.id': name }).run()
  const [one, two] = [await member('one'), await member('two')]
  await until('both share', () => shared(4, one.assigned(), two.assigned()))
  const ids = async () =>
    Object.fromEntries((await described(group)).members.map((each) => [each.groupInstanceId, each.memberId]))
  const [held, before, events] = [one.assigned(), await ids(), [...two.events]]
  expect(Object.keys(before).sort(), ['one', 'two'], 'instances')

  // A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
  await one.close()
  const again = await member('one')
  await until('it has its partitions again', () => `${again.assigned()}` === `${held}`)
  expect(two.events, events, 'rebalances of the other')
  const now = await ids()
  expect(now.two, before.two, 'member id of the other')
  if (now.one === before.one) throw new Error('the one that returned has its old member id')
  await again.close()
  await two.close()
}

export async function crashAndResume() {
  const [topic, group] = [await createTopic('crash'), unique('crash')]
  await produce(topic, messages(numbered(20)))
  await crashedWorker(topic, group)
  const reader = await new Reader(topic, group).run()
  expect(await reader.offsets(12), [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], 'what the successor reads')
  await reader.close()
}

/** Commits after every fourth message, and holds the one at offset 10 until it is killed. */
export async function crashWorker(topic, group) {
  const reader = new Reader(topic, group)
  await reader.run(async ({ offset }) => {
    if (offset === '10') await hold()
    const next = Number(offset) + 1
    if (next % 4 === 0) await reader.consumer.commitOffsets([{ topic, partition: 0, offset: `${next}` }])
  })
}
