/** What the readers and the writers of structs have in common. */
import type { Primitive } from './definitions.ts'

/** What the methods of Reader and Writer for a type are called. */
export const METHODS: Readonly<Record<Primitive, string>> = {
  bool: 'boolean',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  uint16: 'uint16',
  uint32: 'uint32',
  float64: 'float64',
  string: 'string',
  uuid: 'uuid',
  bytes: 'bytes',
  records: 'bytes',
}

/** The parameters of a function, the version marked as not used where `body` does not. */
export function parameters(first: string, body: string, last?: string): string {
  const version = /\bversion\b/.test(body) ? 'version: number' : '_version: number'
  return [first, version, ...(last === undefined ? [] : [last])].join(', ')
}

/** compactNullableString and the like. */
export function lengthMethod(method: string, compact: boolean, nullable: boolean): string {
  const words = [...(compact ? ['compact'] : []), ...(nullable ? ['nullable'] : []), method]
  return words.map((word, index) => (index === 0 ? word : capital(word))).join('')
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
