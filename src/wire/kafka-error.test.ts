import { expect, test } from 'vitest'
import { ErrorCode, errorName } from './error-codes.ts'
import { KafkaError } from './kafka-error.ts'

test('a KafkaError carries its code, and the name of it where nothing better is said', () => {
  const error = new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
  expect(error).toMatchObject({ code: 17, message: 'INVALID_TOPIC_EXCEPTION', name: 'KafkaError' })
  expect(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'no space left').message).toBe('no space left')
})

test('error codes have the names that Kafka gives them', () => {
  expect(errorName(-1)).toBe('UNKNOWN_SERVER_ERROR')
  expect(errorName(0)).toBe('NONE')
  expect(errorName(9999)).toBe('error code 9999')
})
