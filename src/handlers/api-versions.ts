/**
 * ApiVersions (key 18), v0 to v4.
 * v1 throttle time · v3 flexible, client software, features (KIP-511, KIP-584) · v4 features with a minimum level of 0.
 * The response's header is always v0, and an unsupported version is answered with a v0 body: dispatch sees to both.
 */
import { features } from '../metadata/features.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type ApiVersionsRequest,
  type ApiVersionsResponse,
  apiVersionsApi,
} from '../wire/messages/api-versions.ts'
import { type Handler, handler } from './handler.ts'

/** The first version that can express a feature whose minimum level is 0. */
const FIRST_VERSION_WITH_LEVEL_0 = 4
const FIRST_VERSION_WITH_SOFTWARE = 3
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export const apiVersionsHandler: Handler<ApiVersionsRequest, ApiVersionsResponse> = handler(apiVersionsApi, {
  handle(request, call) {
    if (call.version >= FIRST_VERSION_WITH_SOFTWARE) checkSoftware(request)
    const told = features.filter(
      ({ minSupported }) => minSupported > 0 || call.version >= FIRST_VERSION_WITH_LEVEL_0,
    )
    return {
      errorCode: ErrorCode.NONE,
      apiKeys: call.apiVersions,
      throttleTimeMs: 0,
      supportedFeatures: told.map(({ name, minSupported, maxSupported }) => ({
        name,
        minVersion: minSupported,
        maxVersion: maxSupported,
      })),
      // The offset of the last metadata record: what is told here is true from there on.
      finalizedFeaturesEpoch: call.metadata.endOffset - 1n,
      finalizedFeatures: Array.from(call.metadata.finalizedFeatures(), ([name, level]) => ({
        name,
        maxVersionLevel: level,
        minVersionLevel: level,
      })).filter(({ name }) => features.some((feature) => feature.name === name)),
    }
  },

  fail(_request, error) {
    return { errorCode: error.code, apiKeys: [], throttleTimeMs: 0 }
  },
})

function checkSoftware({ clientSoftwareName, clientSoftwareVersion }: ApiVersionsRequest): void {
  if (SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion)) return
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `client software name '${clientSoftwareName}' or version '${clientSoftwareVersion}' is not of the form ${SOFTWARE.source}`,
  )
}
