/** DeleteAcls (key 31), v1 to v3 (KIP-140). v1 pattern types (KIP-290) · v2 flexible · v3 resources of type USER (KIP-373). */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DeleteAclsRequest,
  type DeleteAclsResponse,
  deleteAclsApi,
} from '../wire/messages/delete-acls.ts'
import { checkKnown, securityDisabled } from './acl-elements.ts'
import { type Handler, handler } from './handler.ts'

export const deleteAclsHandler: Handler<DeleteAclsRequest, DeleteAclsResponse> = handler(deleteAclsApi, {
  handle({ filters }) {
    for (const { resourceTypeFilter, patternTypeFilter, operation, permissionType } of filters) {
      checkKnown({ resourceTypeFilter, patternTypeFilter, operation, permissionType })
    }
    throw securityDisabled()
  },

  fail({ filters }, error) {
    if (error.code === ErrorCode.INVALID_REQUEST) return null
    const result = { errorCode: error.code, errorMessage: error.message, matchingAcls: [] }
    return { throttleTimeMs: 0, filterResults: filters.map(() => result) }
  },
})
