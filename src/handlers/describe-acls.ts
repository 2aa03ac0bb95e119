/** DescribeAcls (key 29), v1 to v3 (KIP-140). v1 pattern types (KIP-290) · v2 flexible · v3 resources of type USER (KIP-373). */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeAclsRequest,
  type DescribeAclsResponse,
  describeAclsApi,
} from '../wire/messages/describe-acls.ts'
import { checkKnown, securityDisabled } from './acl-elements.ts'
import { type Handler, handler } from './handler.ts'

export const describeAclsHandler: Handler<DescribeAclsRequest, DescribeAclsResponse> = handler(
  describeAclsApi,
  {
    handle({ resourceTypeFilter, patternTypeFilter, operation, permissionType }) {
      checkKnown({ resourceTypeFilter, patternTypeFilter, operation, permissionType })
      throw securityDisabled()
    },

    fail(_request, error) {
      if (error.code === ErrorCode.INVALID_REQUEST) return null
      return { throttleTimeMs: 0, errorCode: error.code, errorMessage: error.message, resources: [] }
    },
  },
)
