/**
 * DescribeGroups (key 15), v0 to v6.
 * v1 throttle time · v3 authorized operations (KIP-430) · v4 static members (KIP-345) · v5 flexible ·
 * v6 error messages, GROUP_ID_NOT_FOUND (KIP-1043).
 */
import { undescribed } from '../group/describe.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  describeGroupsApi,
} from '../wire/messages/describe-groups.ts'
import { type Handler, handler } from './handler.ts'

/** All that can be done to a group, as the bits of KIP-430: read, delete, describe, describe and alter its configs. */
const GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11)

export const describeGroupsHandler: Handler<DescribeGroupsRequest, DescribeGroupsResponse> = handler(
  describeGroupsApi,
  {
    handle(request, call) {
      const response = call.groups.describeGroups(request, call)
      if (!request.includeAuthorizedOperations) return response
      const groups = response.groups.map((group) =>
        group.errorCode === ErrorCode.NONE ? { ...group, authorizedOperations: GROUP_OPERATIONS } : group,
      )
      return { ...response, groups }
    },

    fail: ({ groups }, { code }) => ({
      throttleTimeMs: 0,
      groups: groups.map((groupId) => ({ ...undescribed(groupId, ''), errorCode: code })),
    }),
  },
)
