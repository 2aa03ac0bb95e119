/** The shapes in which errors are answered. */
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { JoinGroupResponse } from '../wire/messages/join-group.ts'
import type { SyncGroupResponse } from '../wire/messages/sync-group.ts'
import { EMPTY_BYTES } from '../wire/reader.ts'

export function joinError(errorCode: ErrorCode, memberId: string): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function syncError(errorCode: ErrorCode): SyncGroupResponse {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: EMPTY_BYTES }
}

/**
 * The code that a client of a coordinator is told: what went wrong with the coordinator's own log says nothing to
 * it, only that it should look for the coordinator or try again.
 */
export function coordinatorError(error: unknown): ErrorCode {
  if (!(error instanceof KafkaError)) return ErrorCode.UNKNOWN_SERVER_ERROR
  switch (error.code) {
    case ErrorCode.NETWORK_EXCEPTION:
      return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return error.code
  }
}
