/** ListPartitionReassignments (key 46), v0 (KIP-455): with one broker no partition is ever on its way to another. */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type ListPartitionReassignmentsRequest,
  type ListPartitionReassignmentsResponse,
  listPartitionReassignmentsApi,
} from '../wire/messages/list-partition-reassignments.ts'
import { errorMessage } from './error-message.ts'
import { type Handler, handler } from './handler.ts'

export const listPartitionReassignmentsHandler: Handler<
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse
> = handler(listPartitionReassignmentsApi, {
  handle: () => ({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics: [] }),

  fail: (_request, error) => ({
    throttleTimeMs: 0,
    errorCode: error.code,
    errorMessage: errorMessage(error),
    topics: [],
  }),
})
