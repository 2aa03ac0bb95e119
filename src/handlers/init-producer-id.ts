/**
 * InitProducerId (key 22), v0 to v5.
 * v2 flexible · v3 the id and epoch that the producer has (KIP-360) · v4 PRODUCER_FENCED · v5 transactions V2 (KIP-890).
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import {
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  initProducerIdApi,
} from '../wire/messages/init-producer-id.ts'
import { type Handler, handler } from './handler.ts'
import { transactionsNotServed } from './transactions-not-served.ts'

export const initProducerIdHandler: Handler<InitProducerIdRequest, InitProducerIdResponse> = handler(
  initProducerIdApi,
  {
    handle({ transactionalId, producerId, producerEpoch }, call) {
      if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) {
        throw new KafkaError(
          ErrorCode.INVALID_REQUEST,
          `producer id ${producerId} and epoch ${producerEpoch} do not go together: give both or neither`,
        )
      }
      if (transactionalId === '') {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'the transactional id is empty')
      }
      if (transactionalId !== null) throw transactionsNotServed(transactionalId)
      // Without a transactional id Kafka gives a new id, whatever the producer had before.
      const next = call.producerIds.next()
      return next instanceof Promise ? next.then(given) : given(next)
    },

    fail(_request, error) {
      return {
        throttleTimeMs: 0,
        errorCode: error.code,
        producerId: NO_PRODUCER_ID,
        producerEpoch: NO_PRODUCER_EPOCH,
      }
    },
  },
)

function given(producerId: bigint): InitProducerIdResponse {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 }
}
