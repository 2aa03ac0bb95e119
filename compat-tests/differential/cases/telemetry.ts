/** GetTelemetrySubscriptions, PushTelemetry: neither is advertised without somebody who receives the metrics (KIP-714). */
import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { getTelemetrySubscriptionsApi } from '../../../src/wire/messages/get-telemetry-subscriptions.ts'
import { pushTelemetryApi } from '../../../src/wire/messages/push-telemetry.ts'
import { differential } from '../case.ts'

for (const api of [getTelemetrySubscriptionsApi, pushTelemetryApi]) {
  differential(api.name, 'is not advertised', async (t) => {
    const { apiKeys } = await t.send(apiVersionsApi, 4, {
      clientSoftwareName: 'differential',
      clientSoftwareVersion: '1.0',
    })
    return { advertised: apiKeys.some(({ apiKey }) => apiKey === api.key) }
  })
}
differential('GetTelemetrySubscriptions', 'v0 asked for all the same', async (t) => {
  const { errorCode, requestedMetrics } = await t.send(getTelemetrySubscriptionsApi, 0, {})
  return { errorCode, requestedMetrics }
})
differential('PushTelemetry', 'v0 asked for all the same', (t) => t.send(pushTelemetryApi, 0, {}))
