/** What @platformatic/kafka's admin client does beyond topics and groups. */
import { expect, numbered, unique, until } from '../js-harness.js'
import { createTopic, messages, produce, refused, withAdmin } from './client.js'

const TOPIC = 2
const [SET, DELETE, APPEND] = [0, 1, 2]

export async function adminConfigs() {
  const resourceName = await createTopic('configs')
  const resource = { resourceType: TOPIC, resourceName }
  await withAdmin(async (admin) => {
    const becomes = (name, value, source) =>
      until(`${name} is ${value}`, async () => {
        const [{ configs }] = await admin.describeConfigs({
          resources: [{ ...resource, configurationKeys: null }],
        })
        const found = configs.find((config) => config.name === name)
        return found.value === value && found.configSource === source
      })
    // Source 1 is the topic's own config, 5 the default. The older way replaces all that there was.
    const replace = (name, value) =>
      admin.alterConfigs({ resources: [{ ...resource, configs: [{ name, value }] }] })
    await replace('segment.ms', '654321')
    await becomes('segment.ms', '654321', 1)
    await replace('retention.ms', '123456')
    await becomes('retention.ms', '123456', 1)
    await becomes('segment.ms', '604800000', 5)
    await refused(() => replace('retention.ms', 'long'), 'INVALID_CONFIG')

    const alter = (configOperation, name, value) =>
      admin.incrementalAlterConfigs({
        resources: [{ ...resource, configs: [{ name, configOperation, value }] }],
      })
    await alter(SET, 'segment.ms', '654321')
    await becomes('segment.ms', '654321', 1)
    await alter(APPEND, 'cleanup.policy', 'compact')
    await becomes('cleanup.policy', 'delete,compact', 1)
    await alter(DELETE, 'cleanup.policy', null)
    await becomes('cleanup.policy', 'delete', 5)
    await becomes('retention.ms', '123456', 1)
  })
}

export async function adminCluster() {
  const topic = await createTopic('cluster')
  await produce(topic, messages(numbered(10)))
  await withAdmin(async (admin) => {
    const [{ results }] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
    const partitions = results.flatMap(({ topics }) => topics).flatMap((found) => found.partitions)
    expect(partitions.length, 1)
    expect(Number(partitions[0].partitionSize) > 0, true, 'size on disk')

    const anything = {
      resourceType: 1,
      resourceName: null,
      resourcePatternType: 1,
      principal: null,
      host: null,
      operation: 1,
      permissionType: 1,
    }
    await refused(() => admin.describeAcls({ filter: anything }), 'SECURITY_DISABLED')

    const user = unique('user')
    const entities = [{ entityType: 'user', entityName: user }]
    const quotas = () =>
      admin.describeClientQuotas({ components: [{ entityType: 'user', matchType: 0, match: user }] })
    const alter = (change) =>
      admin.alterClientQuotas({ entries: [{ entities, ops: [{ key: 'producer_byte_rate', ...change }] }] })
    await alter({ value: 1e6, remove: false })
    await until('the quota is there', async () => (await quotas()).length === 1)
    expect((await quotas())[0].values, [{ key: 'producer_byte_rate', value: 1e6 }])
    await alter({ value: 0, remove: true })
    await until('the quota is gone', async () => (await quotas()).length === 0)
  })
}
