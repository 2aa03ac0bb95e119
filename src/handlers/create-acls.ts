/** CreateAcls (key 30), v1 to v3 (KIP-140). v1 pattern types (KIP-290) · v2 flexible · v3 resources of type USER (KIP-373). */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type CreateAclsRequest,
  type CreateAclsResponse,
  createAclsApi,
} from '../wire/messages/create-acls.ts'
import { checkKnown, securityDisabled } from './acl-elements.ts'
import { type Handler, handler } from './handler.ts'

export const createAclsHandler: Handler<CreateAclsRequest, CreateAclsResponse> = handler(createAclsApi, {
  handle({ creations }) {
    for (const { resourceType, resourcePatternType, operation, permissionType } of creations) {
      checkKnown({ resourceType, resourcePatternType, operation, permissionType })
    }
    throw securityDisabled()
  },

  fail({ creations }, error) {
    if (error.code === ErrorCode.INVALID_REQUEST) return null
    const result = { errorCode: error.code, errorMessage: error.message }
    return { throttleTimeMs: 0, results: creations.map(() => result) }
  },
})
