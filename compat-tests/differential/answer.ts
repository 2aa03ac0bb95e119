/** An answer as it was on the wire: without the fields that its version does not have, and marked with its origin. */
import {
  camelCase,
  definition,
  type FieldDefinition,
  fieldsOf,
  type MessageDefinition,
  type Tree,
  versionRange,
} from './definitions.ts'
import { markOrigin } from './normalize.ts'

/** The decoder gives every field; those that are not in this version hold nothing that the broker said. */
export function asAnswered<T>(api: string, version: number, response: T): T {
  const message = definition(`${api}Response`)
  const present = keepPresent(message, message.fields, version, response as Tree)
  return markOrigin(present, api) as T
}

function keepPresent(
  message: MessageDefinition,
  fields: readonly FieldDefinition[],
  version: number,
  value: Tree,
): Tree {
  const out: Tree = {}
  for (const field of fields) {
    const range = versionRange(field.versions)
    if (range === null || version < range[0] || version > range[1]) continue
    const key = camelCase(field.name)
    const struct = fieldsOf(message, field)
    const inner = value[key]
    if (struct === null || inner === null) out[key] = inner
    else if (Array.isArray(inner)) out[key] = inner.map((item) => keepPresent(message, struct, version, item))
    else out[key] = keepPresent(message, struct, version, inner as Tree)
  }
  return out
}
