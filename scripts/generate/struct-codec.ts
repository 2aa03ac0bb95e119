/** The read and write functions of a struct: straight-line code for all of its versions. */
import type { Definition, Field, Primitive, Struct } from './definitions.ts'
import { defaultOf, elementType, isOptional, sameAsDefault } from './struct-types.ts'
import { choose, condition, intersect, type Range, subtract, type Versions } from './versions.ts'

const METHODS: Readonly<Record<Primitive, string>> = {
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

/** All functions of a message. */
export function codec(definition: Definition): string {
  const isResponse = definition.kind === 'response'
  const parts = definition.structs.flatMap((struct) => {
    const guard = struct === definition.root ? versionGuard(definition) : ''
    return [
      readFunction(struct, guard),
      ...listFunctions(definition, struct),
      writeFunction(struct, guard, isResponse),
    ]
  })
  return parts.join('\n')
}

function versionGuard({ name, versions: { min, max } }: Definition): string {
  return `  if (!(version >= ${min} && version <= ${max})) throw unknownVersion('${name}', version, ${min}, ${max})\n`
}

function readFunction(struct: Struct, guard: string): string {
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

/** The parameters of a function, the version marked as not used where `body` does not. */
function parameters(first: string, body: string, last?: string): string {
  const version = /\bversion\b/.test(body) ? 'version: number' : '_version: number'
  return [first, version, ...(last === undefined ? [] : [last])].join(', ')
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
  return choose(
    field.flexible,
    context,
    (within) =>
      nest(
        choose(
          field.nullable,
          within,
          () => `r.${lengthMethod(method, true, true)}()`,
          () => `r.${lengthMethod(method, true, false)}()`,
        ),
      ),
    (within) =>
      nest(
        choose(
          field.nullable,
          within,
          () => `r.${lengthMethod(method, false, true)}()`,
          () => `r.${lengthMethod(method, false, false)}()`,
        ),
      ),
  )
}

/** compactNullableString and the like. */
function lengthMethod(method: string, compact: boolean, nullable: boolean): string {
  const words = [...(compact ? ['compact'] : []), ...(nullable ? ['nullable'] : []), method]
  return words.map((word, index) => (index === 0 ? word : capital(word))).join('')
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
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
function listFunctions(definition: Definition, struct: Struct): string[] {
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

const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'w',
  'version',
  'value',
  'tags',
  'start',
  'default',
  'delete',
  'package',
])

function writeFunction(struct: Struct, guard: string, isResponse: boolean): string {
  const { name } = struct
  const lines: string[] = []
  const tagged: Array<{ readonly field: Field; readonly local: string; readonly wanted: string }> = []
  for (const field of struct.fields) {
    let local = `value.${field.name}`
    if (isOptional(field, isResponse) || field.nullable !== null || field.tagged !== null) {
      local = RESERVED_NAMES.has(field.name) ? `${field.name}Field` : field.name
      const orDefault = isOptional(field, isResponse) ? withDefault(field) : ''
      lines.push(`  const ${local} = value.${field.name}${orDefault}`)
    }
    const untagged = intersect(subtract(field.versions, field.tagged), struct.versions)
    if (untagged !== null) {
      const statement = writeValue(struct, field, local, untagged, false)
      const present = condition(untagged, struct.versions)
      lines.push(...(present === 'true' ? indent(1, statement) : guarded(1, present, statement)))
    }
    if (field.tagged !== null) {
      const present = condition(field.tagged, struct.versions)
      const wanted = `has${capital(field.name)}`
      const differs = differsFromDefault(field, local)
      lines.push(`  const ${wanted} = ${present === 'true' ? '' : `${present} && `}${differs}`)
      tagged.push({ field, local, wanted })
    }
  }
  if (struct.flexible !== null) lines.push(...writeTags(struct, tagged))
  const body = `${guard}${lines.join('\n')}${lines.length === 0 ? '' : '\n'}`
  const value = /\bvalue\b/.test(body) ? 'value' : '_value'
  return `function write${name}(${parameters('w: Writer', body, `${value}: ${name}`)}): void {\n${body}}\n`
}

/** What follows the access to an optional field, to give its default where it is left out. */
function withDefault(field: Field): string {
  const fallback = defaultOf(field)
  if (field.nullable === null || fallback === 'null') return ` ?? ${fallback}`
  return ` === undefined ? ${fallback} : value.${field.name}`
}

function differsFromDefault(field: Field, local: string): string {
  const same = sameAsDefault(field, local)
  return / === /.test(same) && !same.includes('&&') ? same.replace(' === ', ' !== ') : `!(${same})`
}

function writeTags(
  struct: Struct,
  fields: ReadonlyArray<{ readonly field: Field; readonly local: string; readonly wanted: string }>,
): string[] {
  const isFlexible = condition(struct.flexible, struct.versions)
  if (fields.length === 0)
    return isFlexible === 'true' ? ['  w.uvarint(0)'] : [`  if (${isFlexible}) w.uvarint(0)`]
  const lines = [`w.uvarint(${fields.map(({ wanted }) => `(${wanted} ? 1 : 0)`).join(' + ')})`]
  const inOrder = [...fields].sort((a, b) => a.field.tag - b.field.tag)
  for (const { field, local, wanted } of inOrder) {
    const within = intersect(field.tagged, struct.versions) as Range
    lines.push(`if (${wanted}) {`, `  const start = w.openTag(${field.tag})`)
    lines.push(...indent(1, writeValue(struct, field, local, within, true)), '  w.closeTag(start)', '}')
  }
  return isFlexible === 'true' ? indent(1, lines) : [`  if (${isFlexible}) {`, ...indent(2, lines), '  }']
}

function indent(depth: number, lines: readonly string[]): string[] {
  return lines.map((line) => '  '.repeat(depth) + line)
}

/** `statement` under a condition. */
function guarded(depth: number, test: string, statement: readonly string[]): string[] {
  if (statement.length === 1 && !/^(if|for) /.test(statement[0] as string)) {
    return indent(depth, [`if (${test}) ${statement[0]}`])
  }
  return indent(depth, [`if (${test}) {`, ...indent(1, statement), '}'])
}

/** One statement in the versions given, another in the rest of the context. */
function chooseStatement(
  versions: Versions,
  context: Range,
  yes: (context: Range) => string[],
  no: (context: Range) => string[],
): string[] {
  const common = intersect(versions, context)
  if (common === null) return no(context)
  const rest = subtract(context, common)
  if (rest === null) return yes(context)
  return [
    `if (${condition(common, context)}) {`,
    ...indent(1, yes(common)),
    '} else {',
    ...indent(1, no(rest)),
    '}',
  ]
}

function writeValue(
  struct: Struct,
  field: Field,
  local: string,
  context: Range,
  isTagged: boolean,
): string[] {
  const { type } = field
  const what = `'${struct.name}.${field.name}'`
  const notNull = field.nullable === null ? local : `required(${local}, ${what})`
  const byNull =
    (yes: (within: Range) => string[], no: (within: Range) => string[]): ((context: Range) => string[]) =>
    (within) =>
      chooseStatement(field.nullable, within, yes, no)
  if (type.kind === 'array') return writeArray(field, local, notNull, context)
  if (type.kind === 'struct') {
    const write = (value: string): string => `write${type.struct.name}(w, version, ${value})`
    const prefix = isTagged ? ['w.uvarint(0)', 'w.uvarint(1)'] : ['w.int8(-1)', 'w.int8(1)']
    return byNull(
      () => [
        `if (${local} === null) {`,
        `  ${prefix[0]}`,
        '} else {',
        `  ${prefix[1]}`,
        `  ${write(local)}`,
        '}',
      ],
      () => [write(notNull)],
    )(context)
  }
  const method = METHODS[type.name]
  if (method !== 'string' && method !== 'bytes') return [`w.${method}(${local})`]
  return chooseStatement(
    field.flexible,
    context,
    byNull(
      () => [`w.${lengthMethod(method, true, true)}(${local})`],
      () => [`w.${lengthMethod(method, true, false)}(${notNull})`],
    ),
    byNull(
      () => [`w.${lengthMethod(method, false, true)}(${local})`],
      () => [`w.${lengthMethod(method, false, false)}(${notNull})`],
    ),
  )
}

function writeArray(field: Field, local: string, notNull: string, context: Range): string[] {
  if (field.type.kind !== 'array') throw new Error('not an array')
  const { element } = field.type
  if (element.kind === 'primitive') {
    const method = `${METHODS[element.name]}s`
    return chooseStatement(
      field.nullable,
      context,
      (within) => [`w.nullable${capital(method)}(${condition(field.flexible, within)}, ${local})`],
      (within) => [`w.${method}(${condition(field.flexible, within)}, ${notNull})`],
    )
  }
  const write = (within: Range, value: string): string[] => [
    `w.count(${condition(field.flexible, within)}, ${value})`,
    `for (const item of ${value}) write${elementType(element)}(w, version, item)`,
  ]
  return chooseStatement(
    field.nullable,
    context,
    (within) => [
      `if (${local} === null) {`,
      `  w.nullCount(${condition(field.flexible, within)})`,
      '} else {',
      ...indent(1, write(within, local)),
      '}',
    ],
    (within) => write(within, notNull),
  )
}
