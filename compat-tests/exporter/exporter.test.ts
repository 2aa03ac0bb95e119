/**
 * What kafka_exporter asks for at each scrape (read in its sources, and compared with what the program itself asks),
 * through the client that it is built with, sarama, and at the version that it takes every broker for unless told
 * otherwise: its metrics must show the topics and how far behind a group is.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { PROBE_CLIENT_ID, startBroker, unique } from '../broker.ts'
import {
  committedOffsets,
  createTopic,
  kafkaClient,
  numbered,
  send,
  startReader,
  withAdmin,
} from '../kafkajs/client.ts'
import { buildGo, describeWith, goProgram } from '../tools.ts'
import { until } from '../until.ts'

const BROKER_VERSION = '2.0.0'
const sarama = goProgram('sarama')

describeWith(sarama, 'kafka_exporter', () => {
  test('shows topics, offsets and lag', async () => {
    buildGo('sarama')
    const requests = new Set<string>()
    await using broker = await startBroker('kafka_exporter', ({ apiName, version, clientId }) => {
      if (clientId !== PROBE_CLIENT_ID) requests.add(`${apiName} v${version}`)
    })
    const probe = kafkaClient(broker.bootstrapServers, PROBE_CLIENT_ID)
    const [topic, groupId] = [unique('watched'), unique('watched')]
    await createTopic(probe, topic, 2)
    await send(probe, topic, numbered(4))
    {
      const autoCommit = { autoCommitThreshold: 1 }
      await using reader = await startReader(probe, { topic, groupId, autoCommit })
      await reader.values(4)
      await until(
        'all is committed',
        async () => (await committedOffsets(probe, groupId, topic)).get(0) === 4,
      )
      expect(await scrape(broker.bootstrapServers, topic, groupId)).toEqual({
        ...ofTopic(4, 0),
        kafka_consumergroup_members: 1,
        'kafka_consumergroup_current_offset 0': 4,
        'kafka_consumergroup_lag 0': 0,
        'kafka_consumergroup_current_offset 1': -1,
      })
    }

    await send(probe, topic, numbered(6))
    await withAdmin(probe, async (admin) => {
      // kafkajs deletes records only where it knows the topic already.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] })
    })
    expect(await scrape(broker.bootstrapServers, topic, groupId)).toEqual({
      ...ofTopic(10, 3),
      kafka_consumergroup_members: 0,
      'kafka_consumergroup_current_offset 0': 4,
      'kafka_consumergroup_lag 0': 6,
      'kafka_consumergroup_current_offset 1': -1,
    })
    // A broker that runs already does not tell.
    if (requests.size === 0) return
    expect(requests).toEqual(
      new Set([
        'ApiVersions v3',
        'Metadata v6',
        'ListOffsets v3',
        'ListGroups v0',
        'DescribeGroups v0',
        'OffsetFetch v4',
      ]),
    )
  })
})

/** The metrics by their names and partitions. @throws Error when the program fails. */
async function scrape(
  bootstrapServers: string,
  topic: string,
  group: string,
): Promise<Record<string, number>> {
  const [program] = sarama.command
  const args = [bootstrapServers, BROKER_VERSION, 'metrics', topic, group]
  const { stdout } = await promisify(execFile)(program, args)
  return JSON.parse(stdout) as Record<string, number>
}

/** What is told of the topic, whose records are all in partition 0. */
function ofTopic(currentOffset: number, oldestOffset: number): Record<string, number> {
  return {
    kafka_brokers: 1,
    kafka_topic_partitions: 2,
    'kafka_topic_partition_leader 0': 1,
    'kafka_topic_partition_leader 1': 1,
    'kafka_topic_partition_oldest_offset 0': oldestOffset,
    'kafka_topic_partition_current_offset 0': currentOffset,
    'kafka_topic_partition_oldest_offset 1': 0,
    'kafka_topic_partition_current_offset 1': 0,
    'kafka_topic_partition_under_replicated_partition 0': 0,
    'kafka_topic_partition_under_replicated_partition 1': 0,
  }
}
