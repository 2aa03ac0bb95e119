/** What a struct looks like in TypeScript: its interface and its defaults. */
import type { Definition, ElementType, Field, Primitive, Struct } from './definitions.ts'
import { show } from './versions.ts'

const TYPES: Readonly<Record<Primitive, string>> = {
  bool: 'boolean',
  int8: 'number',
  int16: 'number',
  int32: 'number',
  int64: 'bigint',
  uint16: 'number',
  uint32: 'number',
  float64: 'number',
  string: 'string',
  uuid: 'string',
  bytes: 'Buffer',
  records: 'Buffer',
}

/** The interfaces of all structs of a message, the message's own first. */
export function interfaces(definition: Definition): string {
  const isResponse = definition.kind === 'response'
  return definition.structs.map((struct) => interfaceOf(definition, struct, isResponse)).join('\n')
}

function interfaceOf(definition: Definition, struct: Struct, isResponse: boolean): string {
  const lines = struct.fields.map((field) => {
    const optional = isOptional(field, isResponse)
    const type = fieldType(field, isResponse) + (optional ? ' | undefined' : '')
    return `  readonly ${field.name}${optional ? '?' : ''}: ${type}${remark(definition, field)}`
  })
  if (lines.length === 0) return `export type ${struct.name} = Record<string, never>\n`
  return `export interface ${struct.name} {\n${lines.join('\n')}\n}\n`
}

/** Whether a writer may leave the field out: in responses, where it is tagged or has a default of its own. */
export function isOptional(field: Field, isResponse: boolean): boolean {
  return isResponse && (field.default !== undefined || field.tagged !== null)
}

/** Says in which versions there is such a field, where that is not all of them. */
function remark(definition: Definition, { versions, tagged }: Field): string {
  const notes: string[] = []
  if (versions.min > definition.versions.min || versions.max < definition.versions.max) {
    notes.push(
      show({ min: versions.min, max: versions.max === definition.versions.max ? 0x7fff : versions.max }),
    )
  }
  if (tagged !== null) notes.push('tagged')
  return notes.length === 0 ? '' : ` // ${notes.join(', ')}`
}

function fieldType(field: Field, isResponse: boolean): string {
  const orNull = field.nullable === null ? '' : ' | null'
  if (field.type.kind === 'array') return `readonly ${elementType(field.type.element)}[]${orNull}`
  if (isResponse && field.type.kind === 'primitive' && field.type.name === 'records') {
    return `Buffer | readonly Buffer[]${orNull}`
  }
  return elementType(field.type) + orNull
}

export function elementType(type: ElementType): string {
  return type.kind === 'struct' ? type.struct.name : TYPES[type.name]
}

/** The expression for what a field holds where nothing else is said. */
export function defaultOf(field: Field): string {
  const { type } = field
  if (field.default === 'null') return 'null'
  if (type.kind === 'array') return '[]'
  if (type.kind === 'struct') return defaultName(type.struct)
  const text = field.default
  switch (type.name) {
    case 'bool':
      return text ?? 'false'
    case 'int64':
      return `${text ?? '0'}n`
    case 'string':
      return `'${text ?? ''}'`
    case 'uuid':
      if (text !== undefined) throw new Error(`${field.name}: a uuid with a default`)
      return 'ZERO_UUID'
    case 'bytes':
      return 'EMPTY_BYTES'
    case 'records':
      return field.nullable === null ? 'EMPTY_BYTES' : 'null'
    default:
      return text ?? '0'
  }
}

/** The constant that holds a struct of defaults. */
export function defaultName(struct: Struct): string {
  return `DEFAULT_${struct.name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}`
}

/** The declaration of `defaultName`. */
export function defaultConstant(struct: Struct): string {
  const lines = struct.fields.map((field) => `  ${field.name}: ${defaultOf(field)},`)
  return `const ${defaultName(struct)}: ${struct.name} = {\n${lines.join('\n')}\n}\n`
}

/** The function that tells whether a struct holds nothing but defaults. */
export function isDefaultFunction(struct: Struct, isResponse: boolean): string {
  const tests = struct.fields.map((field) => isDefaultTest(field, isResponse))
  return `function isDefault${struct.name}(value: ${struct.name}): boolean {
  return (
    ${tests.join(' &&\n    ')}
  )
}
`
}

function isDefaultTest(field: Field, isResponse: boolean): string {
  const name = `value.${field.name}`
  const test = sameAsDefault(field, name)
  return isOptional(field, isResponse) ? `(${name} === undefined || ${test})` : test
}

/** The expression that tells whether the value that `name` stands for is the field's default, by value. */
export function sameAsDefault(field: Field, name: string): string {
  const { type } = field
  if (field.default === 'null') return `${name} === null`
  const notNull = field.nullable === null ? '' : `${name} !== null && `
  if (type.kind === 'array') return `${notNull}${name}.length === 0`
  if (type.kind === 'struct') return `${notNull}isDefault${type.struct.name}(${name})`
  if (type.name === 'bytes' || type.name === 'records') return `${notNull}${name}.length === 0`
  return `${name} === ${defaultOf(field)}`
}
