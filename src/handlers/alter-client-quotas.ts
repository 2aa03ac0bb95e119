/** AlterClientQuotas (key 49), v0 and v1 (KIP-546). v1 flexible. */
import { alterClientQuotas, hostsToFind } from '../metadata/client-quota-control.ts'
import { entityData, quotaEntity } from '../metadata/client-quotas.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  alterClientQuotasApi,
} from '../wire/messages/alter-client-quotas.ts'
import { type Handler, handler } from './handler.ts'

export const alterClientQuotasHandler: Handler<AlterClientQuotasRequest, AlterClientQuotasResponse> = handler(
  alterClientQuotasApi,
  {
    async handle({ entries, validateOnly }, { controller, resolveHost }) {
      const hosts = new Set<string>()
      for (const name of hostsToFind(entries)) if (await resolveHost(name)) hosts.add(name)
      const outcomes = await controller.decide(
        ({ clientQuotas }) => alterClientQuotas(clientQuotas, entries, (name) => hosts.has(name)),
        validateOnly,
      )
      return {
        throttleTimeMs: 0,
        entries: outcomes.map(({ entity, error }) => ({
          errorCode: error?.code ?? ErrorCode.NONE,
          errorMessage: error?.message ?? null,
          entity,
        })),
      }
    },

    fail({ entries }, error) {
      return {
        throttleTimeMs: 0,
        entries: entries.map(({ entity }) => ({
          errorCode: error.code,
          errorMessage: error.message,
          entity: entityData(quotaEntity(entity)),
        })),
      }
    },
  },
)
