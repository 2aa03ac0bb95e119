/** The functions that read structs: straight-line code for all of their versions. */
import type { Definition, Field, Primitive, Struct } from './definitions.ts'
import { capital, lengthMethod, METHODS, parameters } from './struct-codec.ts'
import { defaultOf } from './struct-types.ts'
import { choose, condition, intersect, type Range, subtract, type Versions } from './versions.ts'

/** The function that reads a struct; `guard` is what it begins with. */
export function readFunction(struct: Struct, guard: string): string {
  const tagged = struct.fields.filter((field) => field.tagged !== null)
  const lines = struct.fields.map((field) => `    ${field.name}: ${readField(field, struct.versions)},`)
  const literal = lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n  }`
  const { name } = struct
  let body = guard
  if (struct.flexible === null) {
    body += `  return ${literal}\n`
  } else {
    const mutable = tagged.length === 0 ? name : `{ -readonly [K in keyof ${name}]: ${name}[K] }`
    body += `  const value: ${mutable} = ${literal}\n${readTags(struct, tagged)}  return value\n`
  }
  return `function read${name}(${parameters('r: Reader', body)}): ${name} {\n${body}}\n`
}

function readField(field: Field, context: Range): string {
  const untagged = subtract(field.versions, field.tagged)
  return choose(
    untagged,
    context,
    (within) => nest(readValue(field, within, false)),
    () => defaultOf(field),
  )
}

/** Puts parentheses around a choice that becomes part of another. */
function nest(expression: string): string {
  return expression.includes(' ? ') ? `(${expression})` : expression
}

function readValue(field: Field, context: Range, isTagged: boolean): string {
  const { type } = field
  if (type.kind === 'array') return readArray(field, context)
  if (type.kind === 'struct') {
    const read = `read${type.struct.name}(r, version)`
    const isNull = isTagged ? 'r.uvarint() === 0' : 'r.int8() < 0'
    return choose(
      field.nullable,
      context,
      () => `(${isNull} ? null : ${read})`,
      () => read,
    )
  }
  const method = METHODS[type.name]
  if (method !== 'string' && method !== 'bytes') return `r.${method}()`
  const byNull = (compact: boolean) => (within: Range) =>
    nest(
      choose(
        field.nullable,
        within,
        () => `r.${lengthMethod(method, compact, true)}()`,
        () => `r.${lengthMethod(method, compact, false)}()`,
      ),
    )
  return choose(field.flexible, context, byNull(true), byNull(false))
}

function readArray(field: Field, context: Range): string {
  if (field.type.kind !== 'array') throw new Error('not an array')
  const { element } = field.type
  const flexible = condition(field.flexible, context)
  if (element.kind === 'struct') {
    const least = leastBytesOfStruct(element.struct)
    const orNull = field.nullable === null ? '' : 'OrNull'
    const count = choose(
      field.nullable,
      context,
      () => `r.nullableCount(${flexible}, ${least})`,
      () => `r.count(${flexible}, ${least})`,
    )
    return `read${element.struct.name}List${orNull}(r, version, ${count})`
  }
  const method = `${METHODS[element.name]}s`
  return choose(
    field.nullable,
    context,
    () => `r.nullable${capital(method)}(${flexible})`,
    () => `r.${method}(${flexible})`,
  )
}

/** The functions that read arrays of the struct, as far as there are such arrays. */
export function listFunctions(definition: Definition, struct: Struct): string[] {
  const arrays = definition.structs
    .flatMap(({ fields }) => fields)
    .filter(
      ({ type }) => type.kind === 'array' && type.element.kind === 'struct' && type.element.struct === struct,
    )
  const { name } = struct
  const lists: string[] = []
  if (arrays.length > 0) {
    lists.push(`function read${name}List(r: Reader, version: number, count: number): ${name}[] {
  const list: ${name}[] = []
  for (let left = count; left > 0; left--) list.push(read${name}(r, version))
  return list
}
`)
  }
  if (arrays.some(({ nullable }) => nullable !== null)) {
    lists.push(`function read${name}ListOrNull(r: Reader, version: number, count: number): ${name}[] | null {
  return count < 0 ? null : read${name}List(r, version, count)
}
`)
  }
  return lists
}

function readTags(struct: Struct, tagged: readonly Field[]): string {
  const flexible = struct.flexible as Range
  const isFlexible = condition(flexible, struct.versions)
  if (tagged.length === 0)
    return isFlexible === 'true' ? '  r.skipTags()\n' : `  if (${isFlexible}) r.skipTags()\n`
  const cases = tagged.map((field) => {
    const defined = condition(field.tagged, flexible)
    const check =
      defined === 'true'
        ? ''
        : `          if (!(${defined})) throw misplacedTag('${struct.name}', ${field.tag}, version)\n`
    const read = readValue(field, intersect(field.tagged, flexible) as Range, true)
    return `        case ${field.tag}:\n${check}          value.${field.name} = ${read}\n          break\n`
  })
  const loop = `for (let left = r.uvarint(); left > 0; left--) {
      const tag = r.uvarint()
      const size = r.uvarint()
      switch (tag) {
${cases.join('')}        default:
          r.skip(size)
      }
    }`
  return isFlexible === 'true'
    ? `  ${loop.replaceAll('\n  ', '\n')}\n`
    : `  if (${isFlexible}) {\n    ${loop}\n  }\n`
}

const FIXED_BYTES: Partial<Readonly<Record<Primitive, number>>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint16: 2,
  uint32: 4,
  float64: 8,
  uuid: 16,
}

/** The fewest bytes that the struct takes in any version; at least one, as Kafka wants for array elements. */
function leastBytesOfStruct(struct: Struct): number {
  let least = Number.POSITIVE_INFINITY
  for (let version = struct.versions.min; version <= struct.versions.max; version++) {
    least = Math.min(least, structBytes(struct, version))
  }
  return Math.max(1, least)
}

function structBytes(struct: Struct, version: number): number {
  let total = has(struct.flexible, version) ? 1 : 0
  for (const field of struct.fields) {
    if (has(subtract(field.versions, field.tagged), version)) total += fieldBytes(field, version)
  }
  return total
}

function fieldBytes({ type, nullable, flexible }: Field, version: number): number {
  if (type.kind === 'struct') return has(nullable, version) ? 1 : structBytes(type.struct, version)
  if (type.kind === 'primitive') {
    const fixed = FIXED_BYTES[type.name]
    if (fixed !== undefined) return fixed
  }
  if (has(flexible, version)) return 1
  return type.kind === 'primitive' && type.name === 'string' ? 2 : 4
}

function has(versions: Versions, version: number): boolean {
  return versions !== null && version >= versions.min && version <= versions.max
}
