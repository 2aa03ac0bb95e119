/** AlterUserScramCredentials (key 51), v0 (KIP-554). */
import { alterScramCredentials } from '../metadata/scram-control.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { KafkaError } from '../wire/kafka-error.ts'
import {
  type AlterUserScramCredentialsRequest,
  type AlterUserScramCredentialsResponse,
  type AlterUserScramCredentialsResult,
  alterUserScramCredentialsApi,
} from '../wire/messages/alter-user-scram-credentials.ts'
import { type Handler, handler } from './handler.ts'

export const alterUserScramCredentialsHandler: Handler<
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse
> = handler(alterUserScramCredentialsApi, {
  async handle({ deletions, upsertions }, { controller }) {
    const outcomes = await controller.decide(({ scramCredentials }) =>
      alterScramCredentials(scramCredentials, deletions, upsertions),
    )
    return { throttleTimeMs: 0, results: outcomes.map(({ user, error }) => result(user, error)) }
  },

  fail({ deletions, upsertions }, error) {
    const users = new Set([...deletions, ...upsertions].map(({ name }) => name))
    return { throttleTimeMs: 0, results: [...users].sort().map((user) => result(user, error)) }
  },
})

function result(user: string, error: KafkaError | null): AlterUserScramCredentialsResult {
  if (error === null) return { user, errorCode: ErrorCode.NONE, errorMessage: null }
  // What went wrong inside the broker is nobody else's business.
  const errorMessage = error.code === ErrorCode.UNKNOWN_SERVER_ERROR ? null : error.message
  return { user, errorCode: error.code, errorMessage }
}
