import { describeQuorumApi } from '../../../src/wire/messages/describe-quorum.ts'
import { type CaseContext, differential } from '../case.ts'

const METADATA = '__cluster_metadata'

const ask = (
  t: CaseContext,
  version: number,
  ...topics: readonly (readonly [name: string, ...partitions: number[]])[]
) =>
  t.send(describeQuorumApi, version, {
    topics: topics.map(([topicName, ...partitions]) => ({
      topicName,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
    })),
  })

for (const version of [0, 1, 2]) {
  differential('DescribeQuorum', `v${version}`, (t) => ask(t, version, [METADATA, 0]))
  differential('DescribeQuorum', `v${version} another topic`, async (t) =>
    ask(t, version, [(await t.topic('a')).name, 0]),
  )
}
differential('DescribeQuorum', 'v2 another partition', (t) => ask(t, 2, [METADATA, 1]))
differential('DescribeQuorum', 'v2 another partition too', (t) => ask(t, 2, [METADATA, 0, 1]))
differential('DescribeQuorum', 'v2 the partition twice', (t) => ask(t, 2, [METADATA, 0, 0]))
differential('DescribeQuorum', 'v2 the topic twice', (t) => ask(t, 2, [METADATA, 0], [METADATA, 0]))
differential('DescribeQuorum', 'v2 another topic too', (t) => ask(t, 2, [METADATA, 0], ['quorum-nowhere', 0]))
differential('DescribeQuorum', 'v2 no partitions', (t) => ask(t, 2, [METADATA]))
differential('DescribeQuorum', 'v2 no topics', (t) => ask(t, 2))
differential('DescribeQuorum', 'v2 after another record, the offset is higher', async (t) => {
  const offset = async () => (await ask(t, 2, [METADATA, 0])).topics[0]?.partitions[0]?.highWatermark ?? 0n
  const before = await offset()
  await t.topic('a')
  return { higher: (await offset()) > before }
})
