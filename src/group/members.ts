import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'

/**
 * The member that a request speaks for.
 * @throws KafkaError UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID when another member has taken its static place.
 */
export function validMember(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
): ClassicMember {
  if (groupInstanceId !== null) {
    const holder = group.staticMemberId(groupInstanceId)
    if (holder === undefined) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_MEMBER_ID,
        `group ${group.groupId} has no static member ${groupInstanceId}`,
      )
    }
    if (holder !== memberId) {
      throw new KafkaError(
        ErrorCode.FENCED_INSTANCE_ID,
        `static member ${groupInstanceId} of group ${group.groupId} is ${holder} now, no more ${memberId}`,
      )
    }
  }
  const member = group.member(memberId)
  if (member !== undefined) return member
  throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `group ${group.groupId} has no member ${memberId}`)
}

/** The error that `check` fails with, or null. */
export function failureOf(check: () => unknown): ErrorCode | null {
  try {
    check()
    return null
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}
