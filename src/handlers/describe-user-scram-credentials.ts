/** DescribeUserScramCredentials (key 50), v0 (KIP-554). Tells of credentials that they are there, and no secret. */
import type { ScramCredentials } from '../metadata/scram-credentials.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeUserScramCredentialsRequest,
  type DescribeUserScramCredentialsResponse,
  type DescribeUserScramCredentialsResult,
  describeUserScramCredentialsApi,
} from '../wire/messages/describe-user-scram-credentials.ts'
import { duplicatesAmong } from './duplicates.ts'
import { type Handler, handler } from './handler.ts'

export const describeUserScramCredentialsHandler: Handler<
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse
> = handler(describeUserScramCredentialsApi, {
  handle({ users }, { metadata: { scramCredentials } }) {
    const asked = users?.map(({ name }) => name) ?? []
    // Nobody stands for everybody.
    const names = new Set(asked.length === 0 ? scramCredentials.users() : asked)
    const duplicates = duplicatesAmong(asked)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      results: Array.from(names, (user) =>
        duplicates.has(user)
          ? refused(user, ErrorCode.DUPLICATE_RESOURCE, `${user} is asked for more than once`)
          : described(user, scramCredentials),
      ),
    }
  },

  fail({ users }, error) {
    return {
      throttleTimeMs: 0,
      errorCode: error.code,
      errorMessage: error.message,
      results: (users ?? []).map(() => refused('', error.code, error.message)),
    }
  },
})

function described(user: string, credentials: ScramCredentials): DescribeUserScramCredentialsResult {
  const credentialInfos = Array.from(credentials.of(user), ([mechanism, { iterations }]) => ({
    mechanism,
    iterations,
  }))
  if (credentialInfos.length === 0)
    return refused(user, ErrorCode.RESOURCE_NOT_FOUND, `${user} has no credential`)
  return { user, errorCode: ErrorCode.NONE, errorMessage: '', credentialInfos }
}

function refused(
  user: string,
  errorCode: ErrorCode,
  errorMessage: string,
): DescribeUserScramCredentialsResult {
  return { user, errorCode, errorMessage, credentialInfos: [] }
}
