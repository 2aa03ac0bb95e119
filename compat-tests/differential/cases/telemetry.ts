/** GetTelemetrySubscriptions, PushTelemetry: neither is advertised without somebody who receives the metrics (KIP-714). */
import { randomBytes } from 'node:crypto'
import { Codec } from '../../../src/wire/batch.ts'
import { compress } from '../../../src/wire/compression.ts'
import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { getTelemetrySubscriptionsApi } from '../../../src/wire/messages/get-telemetry-subscriptions.ts'
import { incrementalAlterConfigsApi } from '../../../src/wire/messages/incremental-alter-configs.ts'
import { type PushTelemetryRequest, pushTelemetryApi } from '../../../src/wire/messages/push-telemetry.ts'
import { type CaseContext, type Client, differential, pause } from '../case.ts'
import type { Partially } from '../client.ts'
import { CLIENT_METRICS } from '../configs.ts'

for (const api of [getTelemetrySubscriptionsApi, pushTelemetryApi]) {
  differential(api.name, 'is not advertised', async (t) => {
    const { apiKeys } = await t.send(apiVersionsApi, 4, software)
    return { advertised: apiKeys.some(({ apiKey }) => apiKey === api.key) }
  })
}

const software = { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' }

differential('GetTelemetrySubscriptions', 'v0 asked for all the same', async (t) => {
  const { errorCode, requestedMetrics } = await t.send(getTelemetrySubscriptionsApi, 0, {})
  return { errorCode, requestedMetrics }
})
differential('PushTelemetry', 'v0 asked for all the same', (t) => t.send(pushTelemetryApi, 0, {}))

const ONE_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ'
differential('PushTelemetry', 'v0 the client instance id 1', (t) =>
  t.send(pushTelemetryApi, 0, { clientInstanceId: ONE_UUID }),
)

/** The same selection for every client that one case sets up: no interval is shorter, whatever other cases set. */
const SHORTEST_MS = 100

type Configs = Readonly<Record<string, string>>

/** Sets configs of a subscription of the case's own; they are in force when its clients are told so. */
async function subscribe(t: CaseContext, suffix: string, configs: Configs): Promise<void> {
  const helper = await t.helper()
  const ops = Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value }))
  const resourceName = t.name(suffix)
  const { responses } = await helper.send(incrementalAlterConfigsApi, 1, {
    resources: [{ resourceType: CLIENT_METRICS, resourceName, configs: ops }],
  })
  if (responses[0]?.errorCode !== 0) throw new Error(`cannot subscribe: ${responses[0]?.errorMessage}`)
}

/** Waits until a client of this id is asked for a metric. */
async function inForce(t: CaseContext, clientId: string, metric: string): Promise<void> {
  const client = await t.connect(clientId)
  await t.poll(metric, async () =>
    (await client.raw.send(getTelemetrySubscriptionsApi, 0, {})).requestedMetrics.includes(metric),
  )
}

function newId(): string {
  return Buffer.concat([Buffer.of(1), randomBytes(15)]).toString('base64url')
}

/** What of an answer does not come from the client instance's id. */
async function ask(client: Client, id: string): Promise<unknown> {
  const answer = await client.send(getTelemetrySubscriptionsApi, 0, { clientInstanceId: id })
  const { clientInstanceId, subscriptionId } = answer
  const known = clientInstanceId === id
  return {
    ...answer,
    clientInstanceId: known ? 'its own' : clientInstanceId,
    subscriptionId: known ? subscriptionId ^ folded(id) : subscriptionId,
  }
}

function folded(id: string): number {
  const bytes = Buffer.from(id, 'base64url')
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12)
}

/**
 * What comes out while no other case changes a subscription: then Kafka forgets when its clients came last, and the
 * subscriptions of all may be others. A client that comes twice, before and after, finds out.
 */
async function steady(
  t: CaseContext,
  sequence: (client: Client, id: string) => Promise<unknown>,
): Promise<unknown> {
  const canary = await t.connect('canary')
  let result: unknown
  await t.poll('a time without changes', async () => {
    const canaryId = newId()
    await canary.raw.send(getTelemetrySubscriptionsApi, 0, { clientInstanceId: canaryId })
    const client = await t.connect(t.name('client'))
    result = await sequence(client, newId())
    client.raw.close()
    const again = await canary.raw.send(getTelemetrySubscriptionsApi, 0, { clientInstanceId: canaryId })
    return again.errorCode !== 0
  })
  return result
}

const own = (t: CaseContext): string => `client_id=${t.name('client').replaceAll('.', '\\.')}`

const selections: ReadonlyArray<readonly [condition: string, metrics: readonly string[]]> = [
  ['of one metric', ['org.apache.kafka.producer.']],
  [
    'of many metrics',
    ['b', 'a', 'consumer.', 'org.x', 'y.z', 'AaAa', 'BBBB', 'AaBB', 'ümlaut', 'q', 'w', 'e', 'r', 't', 'z'],
  ],
  ['of all metrics', ['a', '*', 'b']],
]
for (const [condition, metrics] of selections) {
  differential('GetTelemetrySubscriptions', `v0 a subscription ${condition}`, async (t) => {
    await subscribe(t, 's', { metrics: metrics.join(','), 'interval.ms': String(SHORTEST_MS), match: own(t) })
    await inForce(t, t.name('client'), metrics.includes('*') ? '*' : (metrics[0] ?? ''))
    return steady(t, ask)
  })
}

differential('GetTelemetrySubscriptions', 'v0 several subscriptions', async (t) => {
  const match = own(t)
  await subscribe(t, 'one', { metrics: 'a,b,c', 'interval.ms': String(SHORTEST_MS), match })
  await subscribe(t, 'two', { metrics: 'c,d', 'interval.ms': '3600000', match })
  await subscribe(t, 'three', { metrics: 'e', match: 'client_id=nobody' })
  await subscribe(t, 'four', { metrics: 'last.', match })
  await inForce(t, t.name('client'), 'last.')
  return steady(t, ask)
})

const matches: ReadonlyArray<readonly [condition: string, match: string]> = [
  ['the software', 'client_software_name=diff.*,client_software_version=1\\.[0-9]'],
  ['the start of the software', 'client_software_name=diff'],
  ['another version', 'client_software_version=2.*'],
  ['the address', 'client_source_address=127\\.0\\.0\\.[1-9]'],
  ['the port', 'client_source_port=[0-9]{4}[0-9]?'],
  ['another port', 'client_source_port=9'],
  ['its instance', 'client_instance_id=A.*'],
  ['an alternative', 'client_source_address=x|127.*'],
  ['capitals, whatever its own', 'client_software_name=(?i)DIFFERENTIAL'],
  ['what is quoted', 'client_software_version=\\Q1.0\\E'],
  ['what is quoted otherwise', 'client_software_name=\\Qd.*\\E'],
  ['a selector twice', 'client_software_version=2,client_software_version=1.0'],
]
for (const [condition, match] of matches) {
  differential('GetTelemetrySubscriptions', `v0 a subscription by ${condition}`, async (t) => {
    await subscribe(t, 'one', { metrics: 'm', match: `${own(t)},${match}` })
    await subscribe(t, 'two', { metrics: 'last.', match: own(t) })
    await inForce(t, t.name('client'), 'last.')
    return steady(t, async (client, id) => {
      await client.raw.send(apiVersionsApi, 4, software)
      return metricsOf(client, id)
    })
  })
}

async function metricsOf(client: Client, clientInstanceId: string): Promise<unknown> {
  const { errorCode, requestedMetrics } = await client.send(getTelemetrySubscriptionsApi, 0, {
    clientInstanceId,
  })
  return { errorCode, requestedMetrics }
}

differential('GetTelemetrySubscriptions', 'v0 by software that is unknown', async (t) => {
  await subscribe(t, 'one', { metrics: 'm', match: `${own(t)},client_software_name=unknown` })
  await subscribe(t, 'two', { metrics: 'n', match: `${own(t)},client_software_version=unknown` })
  await subscribe(t, 'three', { metrics: 'last.', match: own(t) })
  await inForce(t, t.name('client'), 'last.')
  return steady(t, metricsOf)
})
differential('GetTelemetrySubscriptions', 'v0 without a client id', async (t) => {
  const metric = t.name('metric')
  await subscribe(t, 'one', { metrics: metric, match: 'client_id=|x' })
  await inForce(t, 'x', metric)
  const client = await t.connect(null)
  const { requestedMetrics } = await client.send(getTelemetrySubscriptionsApi, 0, {})
  return { asked: requestedMetrics.includes(metric) }
})
differential('GetTelemetrySubscriptions', 'v0 the client instance id 1', async (t) => {
  const { clientInstanceId } = await t.send(getTelemetrySubscriptionsApi, 0, { clientInstanceId: ONE_UUID })
  return { clientInstanceId }
})
differential('GetTelemetrySubscriptions', 'v0 a new id each time', async (t) => {
  const first = await t.send(getTelemetrySubscriptionsApi, 0, {})
  const second = await t.send(getTelemetrySubscriptionsApi, 0, {})
  return {
    errors: [first, second].map(({ errorCode }) => ({ errorCode })),
    other: first.clientInstanceId !== second.clientInstanceId,
  }
})

/** A client that has asked for its subscription. */
async function asked(client: Client, clientInstanceId: string) {
  return client.send(getTelemetrySubscriptionsApi, 0, { clientInstanceId })
}

async function errorOf(answer: Promise<{ readonly errorCode: number }>): Promise<unknown> {
  const { errorCode } = await answer
  return { errorCode }
}

differential('GetTelemetrySubscriptions', 'v0 again at once', (t) =>
  steady(t, async (client, id) => [await errorOf(asked(client, id)), await asked(client, id)]),
)
differential('GetTelemetrySubscriptions', 'v0 again over another connection', (t) =>
  steady(t, async (client, id) => [
    await errorOf(asked(client, id)),
    await errorOf(asked(await t.connect('other'), id)),
  ]),
)
differential('GetTelemetrySubscriptions', 'v0 again when the connection is gone', (t) =>
  steady(t, async (client, id) => {
    const first = await t.connect('other')
    const answer = await errorOf(asked(first, id))
    first.raw.close()
    await pause(500)
    return [answer, await errorOf(asked(client, id))]
  }),
)
differential('GetTelemetrySubscriptions', 'v0 again after the interval', async (t) => {
  await subscribe(t, 's', { metrics: 'm', 'interval.ms': String(SHORTEST_MS), match: own(t) })
  await inForce(t, t.name('client'), 'm')
  return steady(t, async (client, id) => {
    const first = await errorOf(asked(client, id))
    await pause(3 * SHORTEST_MS)
    return [first, await errorOf(asked(client, id))]
  })
})

type Push = Partially<PushTelemetryRequest>

/** A client that asks for its subscription and then does as told, each time one step. */
function pushes(
  condition: string,
  ...steps: ReadonlyArray<Push | 'ask' | 'wait' | 'wrong subscription'>
): void {
  differential('PushTelemetry', `v0 ${condition}`, async (t) => {
    if (steps.includes('wait')) {
      await subscribe(t, 's', { metrics: 'm', 'interval.ms': String(SHORTEST_MS), match: own(t) })
      await inForce(t, t.name('client'), 'm')
    }
    return steady(t, async (client, clientInstanceId) => {
      const { subscriptionId } = await asked(client, clientInstanceId)
      const answers: unknown[] = []
      for (const step of steps) {
        if (step === 'wait') await pause(3 * SHORTEST_MS)
        else if (step === 'ask') answers.push(await errorOf(asked(client, clientInstanceId)))
        else {
          const push =
            step === 'wrong subscription'
              ? { clientInstanceId, subscriptionId: subscriptionId ^ 1 }
              : { clientInstanceId, subscriptionId, ...step }
          answers.push(await client.send(pushTelemetryApi, 0, push))
        }
      }
      return answers
    })
  })
}

const MAX_BYTES = 1_048_576
const some: Push = { metrics: Buffer.from('no metrics at all') }
const last: Push = { ...some, terminating: true }

pushes('after the subscription', some)
pushes('nothing', {})
pushes('twice at once', some, some)
pushes('again after the interval', some, 'wait', some, some)
pushes('and ask at once', some, 'ask')
pushes('and ask after the interval', some, 'wait', 'ask', some)
pushes('of the greatest size', { metrics: Buffer.alloc(MAX_BYTES) })
pushes('of more than the greatest size', { metrics: Buffer.alloc(MAX_BYTES + 1) }, 'ask')
pushes('for the last time', last)
pushes('for the last time at once', some, last)
pushes('for the last time, twice', last, last, last)
pushes('for the last time, and go on', last, some, some)
pushes('for the last time, and go on after the interval', last, some, 'wait', some)
pushes('for the last time, and ask', last, 'ask', some)
pushes('for the last time, too much', { ...last, metrics: Buffer.alloc(MAX_BYTES + 1) }, some)
pushes('of another subscription', 'wrong subscription', some, 'ask', some)
pushes('of another subscription, and ask twice', 'wrong subscription', 'ask', 'ask')
for (const compressionType of [1, 2, 3, 4, 5, -1])
  pushes(
    `of compression type ${compressionType < 0 ? 'minus 1' : compressionType}`,
    { ...some, compressionType },
    'ask',
    some,
  )

for (const codec of [Codec.GZIP, Codec.SNAPPY, Codec.LZ4, Codec.ZSTD] as const) {
  differential('PushTelemetry', `v0 compressed, of compression type ${codec}`, async (t) => {
    const sizes: readonly number[] = [5, 300_000, MAX_BYTES, MAX_BYTES + 1]
    return Promise.all(
      sizes.map(async (sizeBytes) => {
        const metrics = await compress(codec, Buffer.alloc(sizeBytes, 'metrics'))
        return steady(t, async (client, clientInstanceId) => {
          const { subscriptionId } = await asked(client, clientInstanceId)
          return client.send(pushTelemetryApi, 0, {
            clientInstanceId,
            subscriptionId,
            compressionType: codec,
            metrics,
          })
        })
      }),
    )
  })
}

differential('PushTelemetry', 'v0 without a subscription', (t) =>
  steady(t, (client, clientInstanceId) =>
    client.send(pushTelemetryApi, 0, { ...some, clientInstanceId, subscriptionId: 1 }),
  ),
)
differential('PushTelemetry', 'v0 when the subscription has changed', async (t) => {
  const clientInstanceId = newId()
  const client = await t.connect(t.name('client'))
  const { subscriptionId } = await asked(client, clientInstanceId)
  // Another one whenever the same broker is asked again.
  const metric = `last.${newId()}`
  await subscribe(t, 's', { metrics: metric, 'interval.ms': String(SHORTEST_MS), match: own(t) })
  await inForce(t, t.name('client'), metric)
  return client.send(pushTelemetryApi, 0, { ...some, clientInstanceId, subscriptionId })
})
