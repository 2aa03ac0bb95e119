import { incrementalAlterConfigsApi } from '../../../src/wire/messages/incremental-alter-configs.ts'
import { listConfigResourcesApi } from '../../../src/wire/messages/list-config-resources.ts'
import { type CaseContext, differential } from '../case.ts'
import { BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC } from '../configs.ts'

/** Other cases make topics and groups at the same time: of them only this case's own are looked at. */
async function list(t: CaseContext, version: number, resourceTypes: readonly number[]): Promise<unknown> {
  const answer = await t.send(listConfigResourcesApi, version, { resourceTypes })
  const own = answer.configResources.filter(
    ({ resourceName }) => resourceName.startsWith(t.name('')) || /^\d*$/.test(resourceName),
  )
  return { ...answer, configResources: own }
}

/** One of each type that has configs. */
async function setUp(t: CaseContext): Promise<void> {
  await t.topic('topic')
  const set = (resourceType: number, resourceName: string, name: string, value: string) => ({
    resourceType,
    resourceName,
    configs: [{ name, configOperation: 0, value }],
  })
  const helper = await t.helper()
  await helper.send(incrementalAlterConfigsApi, 1, {
    resources: [
      set(GROUP, t.name('group'), 'consumer.session.timeout.ms', '50000'),
      set(CLIENT_METRICS, t.name('metrics'), 'interval.ms', '1000'),
    ],
  })
  await t.poll('the configs of group and metrics', async () => {
    const { configResources } = await helper.send(listConfigResourcesApi, 1, {
      resourceTypes: [GROUP, CLIENT_METRICS],
    })
    return configResources.filter(({ resourceName }) => resourceName.startsWith(t.name(''))).length === 2
  })
}

const lists: ReadonlyArray<readonly [condition: string, version: number, types: readonly number[]]> = [
  ['v0 client metrics', 0, []],
  ['v1 everything', 1, []],
  ['v1 topics', 1, [TOPIC]],
  ['v1 brokers', 1, [BROKER]],
  ['v1 loggers', 1, [BROKER_LOGGER]],
  ['v1 client metrics', 1, [CLIENT_METRICS]],
  ['v1 groups', 1, [GROUP]],
  ['v1 two types', 1, [TOPIC, CLIENT_METRICS]],
  ['v1 a type twice', 1, [GROUP, GROUP]],
]
for (const [condition, version, types] of lists) {
  differential('ListConfigResources', condition, async (t) => {
    await setUp(t)
    return list(t, version, types)
  })
}
for (const [condition, types] of [
  ['the type of nothing', [0]],
  ['a type that is unknown', [99]],
  ['a negative type', [-1]],
  ['a good type and a bad one', [TOPIC, 99]],
] as const) {
  differential('ListConfigResources', `v1 ${condition}`, (t) => list(t, 1, types))
}
differential('ListConfigResources', 'v1 a group whose configs are gone', async (t) => {
  await setUp(t)
  const helper = await t.helper()
  const configs = [{ name: 'consumer.session.timeout.ms', configOperation: 1, value: null }]
  await helper.send(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType: GROUP, resourceName: t.name('group'), configs }],
  })
  await t.poll('no configs', async () => {
    const { configResources } = await helper.send(listConfigResourcesApi, 1, { resourceTypes: [GROUP] })
    return !configResources.some(({ resourceName }) => resourceName === t.name('group'))
  })
  return list(t, 1, [GROUP, TOPIC])
})
