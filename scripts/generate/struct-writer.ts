/** The functions that write structs: straight-line code for all of their versions. */
import type { Field, Struct } from './definitions.ts'
import { capital, lengthMethod, METHODS, parameters } from './struct-codec.ts'
import { defaultOf, elementType, isOptional, sameAsDefault } from './struct-types.ts'
import { condition, intersect, type Range, subtract, type Versions } from './versions.ts'

/** What a constant in a write function cannot be called. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'w',
  'version',
  'value',
  'item',
  'start',
  'default',
  'package',
])

/** A tagged field, the expression for its value and the constant that tells whether it is to be written. */
interface TaggedField {
  readonly field: Field
  readonly local: string
  readonly wanted: string
}

/** The function that writes a struct; `guard` is what it begins with. */
export function writeFunction(struct: Struct, guard: string, isResponse: boolean): string {
  const { name } = struct
  const lines: string[] = []
  const tagged: TaggedField[] = []
  for (const field of struct.fields) {
    const { local, declaration } = localFor(field, isResponse)
    lines.push(...declaration)
    const untagged = intersect(subtract(field.versions, field.tagged), struct.versions)
    if (untagged !== null) {
      const statement = writeValue(struct, field, local, untagged, false)
      lines.push(...guarded(condition(untagged, struct.versions), statement))
    }
    if (field.tagged !== null) {
      const present = condition(field.tagged, struct.versions)
      const wanted = `has${capital(field.name)}`
      lines.push(
        `const ${wanted} = ${present === 'true' ? '' : `${present} && `}${differsFromDefault(field, local)}`,
      )
      tagged.push({ field, local, wanted })
    }
  }
  if (struct.flexible !== null) {
    lines.push(...guarded(condition(struct.flexible, struct.versions), writeTags(struct, tagged)))
  }
  const body =
    guard +
    indented(lines)
      .map((line) => `${line}\n`)
      .join('')
  const value = /\bvalue\b/.test(body) ? 'value' : '_value'
  return `function write${name}(${parameters('w: Writer', body, `${value}: ${name}`)}): void {\n${body}}\n`
}

/** The expression for a field's value, and the constant that it takes where the expression is needed twice. */
function localFor(field: Field, isResponse: boolean): { local: string; declaration: string[] } {
  const access = `value.${field.name}`
  if (!isOptional(field, isResponse)) return { local: access, declaration: [] }
  const value = access + withDefault(field)
  const element = field.type.kind === 'array' ? field.type.element : field.type
  if (field.tagged === null && element.kind === 'primitive') return { local: value, declaration: [] }
  const local = RESERVED_NAMES.has(field.name) ? `${field.name}Field` : field.name
  return { local, declaration: [`const ${local} = ${value}`] }
}

/** What follows the access to an optional field, to give its default where it is left out. */
function withDefault(field: Field): string {
  const fallback = defaultOf(field)
  if (field.nullable === null || fallback === 'null') return ` ?? ${fallback}`
  return ` === undefined ? ${fallback} : value.${field.name}`
}

function differsFromDefault(field: Field, local: string): string {
  const same = sameAsDefault(field, local)
  if (same.includes(' && ')) return `!(${same})`
  return same.includes(' === ') ? same.replace(' === ', ' !== ') : `!${same}`
}

function writeTags(struct: Struct, fields: readonly TaggedField[]): string[] {
  if (fields.length === 0) return ['w.uvarint(0)']
  const lines = [`w.uvarint(${countOf(fields.map(({ wanted }) => wanted))})`]
  for (const { field, local, wanted } of [...fields].sort((a, b) => a.field.tag - b.field.tag)) {
    const within = intersect(field.tagged, struct.versions) as Range
    const statement = writeValue(struct, field, local, within, true)
    lines.push(`if (${wanted}) {`, `  const start = w.openTag(${field.tag})`)
    lines.push(...indented([...statement, 'w.closeTag(start)']), '}')
  }
  return lines
}

function countOf(tests: readonly string[]): string {
  if (tests.length === 1) return `${tests[0]} ? 1 : 0`
  return tests.map((test) => `(${test} ? 1 : 0)`).join(' + ')
}

function writeValue(
  struct: Struct,
  field: Field,
  local: string,
  context: Range,
  isTagged: boolean,
): string[] {
  const { type } = field
  const notNull = field.nullable === null ? local : `required(${local}, '${struct.name}.${field.name}')`
  if (type.kind === 'array') return writeArray(field, local, notNull, context)
  if (type.kind === 'struct') {
    const write = (value: string): string => `write${type.struct.name}(w, version, ${value})`
    const [ifNull, ifNot] = isTagged ? ['w.uvarint(0)', 'w.uvarint(1)'] : ['w.int8(-1)', 'w.int8(1)']
    return chooseStatement(
      field.nullable,
      context,
      () => eitherOr(`${local} === null`, [ifNull], [ifNot, write(local)]),
      () => [write(notNull)],
    )
  }
  const method = METHODS[type.name]
  if (method !== 'string' && method !== 'bytes') return [`w.${method}(${local})`]
  const byNull = (compact: boolean) => (within: Range) =>
    chooseStatement(
      field.nullable,
      within,
      () => [`w.${lengthMethod(method, compact, true)}(${local})`],
      () => [`w.${lengthMethod(method, compact, false)}(${notNull})`],
    )
  return chooseStatement(field.flexible, context, byNull(true), byNull(false))
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
    (within) => {
      const ifNull = `w.nullCount(${condition(field.flexible, within)})`
      return eitherOr(`${local} === null`, [ifNull], write(within, local))
    },
    (within) => write(within, notNull),
  )
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
  return eitherOr(condition(common, context), yes(common), no(rest))
}

function eitherOr(test: string, yes: readonly string[], no: readonly string[]): string[] {
  if (isSimple(yes) && isSimple(no)) return [`if (${test}) ${yes[0]}`, `else ${no[0]}`]
  return [`if (${test}) {`, ...indented(yes), '} else {', ...indented(no), '}']
}

/** `statement` under a condition. */
function guarded(test: string, statement: readonly string[]): readonly string[] {
  if (test === 'true') return statement
  if (isSimple(statement)) return [`if (${test}) ${statement[0]}`]
  return [`if (${test}) {`, ...indented(statement), '}']
}

function isSimple(statement: readonly string[]): boolean {
  return statement.length === 1 && statement[0]?.startsWith('w') === true
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}
