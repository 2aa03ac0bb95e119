/**
 * Bytes that are not what they should be, or a value that cannot be put into bytes. Whoever sent such bytes has
 * lost track of the protocol, so the connection that they came from is closed.
 */
export class WireError extends Error {
  override readonly name = 'WireError'
}

/** What the generated code throws for a version that the definition of `name` does not know. */
export function unknownVersion(name: string, version: number, min: number, max: number): WireError {
  return new WireError(`${name} has no version ${version}: versions ${min} to ${max} are known`)
}

/** What the generated code throws for a known tagged field in a version that does not define it. */
export function misplacedTag(name: string, tag: number, version: number): WireError {
  return new WireError(`${name} version ${version} does not define tag ${tag}`)
}

/** What is thrown for a null in a field that takes none. */
export function unexpectedNull(what: string): WireError {
  return new WireError(`${what} cannot be null`)
}

/** The value, in a version in which it cannot be null. */
export function required<T>(value: T | null, what: string): T {
  if (value === null) throw unexpectedNull(what)
  return value
}
