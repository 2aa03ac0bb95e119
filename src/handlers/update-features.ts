/**
 * UpdateFeatures (key 57), v0 to v2 (KIP-584).
 * v1 kind of upgrade, only checking (KIP-778) · v2 no results for each feature.
 */
import { updateFeatures } from '../metadata/feature-control.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
  updateFeaturesApi,
} from '../wire/messages/update-features.ts'
import { type Handler, handler } from './handler.ts'

export const updateFeaturesHandler: Handler<UpdateFeaturesRequest, UpdateFeaturesResponse> = handler(
  updateFeaturesApi,
  {
    async handle({ featureUpdates, validateOnly }, { controller, config }) {
      // v0 says with a flag of its own that a downgrade is meant; Kafka does not look at it.
      await controller.decide(
        (metadata) => updateFeatures({ metadata, config }, featureUpdates),
        validateOnly,
      )
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        results: featureUpdates.map(({ feature }) => ({
          feature,
          errorCode: ErrorCode.NONE,
          errorMessage: 'NONE',
        })),
      }
    },

    fail: (_request, { code, message }) => ({
      throttleTimeMs: 0,
      errorCode: code,
      errorMessage: message,
      results: [],
    }),
  },
)
