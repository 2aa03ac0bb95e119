/** Reads protocol/*.json: Kafka's message definitions, checked and with everything implied made explicit. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { intersect, parseVersions, type Range, type Versions } from './versions.ts'

export type Primitive =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'uint32'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

export type FieldType =
  | { readonly kind: 'primitive'; readonly name: Primitive }
  | { readonly kind: 'struct'; readonly struct: Struct }
  | { readonly kind: 'array'; readonly element: ElementType }

export type ElementType = Exclude<FieldType, { kind: 'array' }>

export interface Field {
  /** As it is called in TypeScript. */
  readonly name: string
  readonly type: FieldType
  readonly versions: Range
  readonly nullable: Versions
  readonly tagged: Versions
  readonly tag: number
  /** In which versions of the message its length is put the compact way. */
  readonly flexible: Versions
  /** The default written in the definition; undefined where none is. */
  readonly default: string | undefined
}

export interface Struct {
  /** As its interface is called; `uniqueNames` may have changed it from what the definition says. */
  name: string
  /** The versions of the message in which it occurs. */
  readonly versions: Range
  readonly flexible: Versions
  readonly fields: readonly Field[]
}

export interface Definition {
  readonly name: string
  readonly kind: string
  readonly apiKey: number | undefined
  readonly versions: Range
  readonly flexible: Versions
  readonly root: Struct
  /** The root and every struct below it, parents before children. */
  readonly structs: readonly Struct[]
  /** Where it was read, relative to the repository. */
  readonly path: string
}

interface RawField {
  readonly name: string
  readonly type: string
  readonly versions?: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly flexibleVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean | null
  readonly fields?: readonly RawField[]
}

interface RawStruct {
  readonly name: string
  readonly versions: string
  readonly fields: readonly RawField[]
}

interface RawDefinition {
  readonly name: string
  readonly type: string
  readonly apiKey?: number
  readonly validVersions: string
  readonly flexibleVersions?: string
  readonly fields?: readonly RawField[]
  readonly commonStructs?: readonly RawStruct[]
}

const PRIMITIVES: ReadonlySet<string> = new Set<Primitive>([
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint16',
  'uint32',
  'float64',
  'string',
  'uuid',
  'bytes',
  'records',
])

/** All definitions of a folder that have versions left, in the order of their file names. */
export function readDefinitions(root: string, folder: string): Definition[] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.json'))
  return names.sort().flatMap((name) => {
    const path = `${folder}/${name}`
    const raw = JSON.parse(readFileSync(join(root, path), 'utf8')) as RawDefinition
    const versions = parseVersions(raw.validVersions)
    return versions === null ? [] : [new DefinitionReader(raw, versions, path).read()]
  })
}

class DefinitionReader {
  readonly #raw: RawDefinition
  readonly #versions: Range
  readonly #flexible: Versions
  readonly #path: string
  readonly #structs: Struct[] = []
  readonly #common = new Map<string, Struct>()

  constructor(raw: RawDefinition, versions: Range, path: string) {
    this.#raw = raw
    this.#versions = versions
    this.#flexible = intersect(parseVersions(raw.flexibleVersions), versions)
    this.#path = path
  }

  read(): Definition {
    const raw = this.#raw
    const root = this.#struct(raw.name, this.#versions, raw.fields ?? [])
    return {
      name: raw.name,
      kind: raw.type,
      apiKey: raw.apiKey,
      versions: this.#versions,
      flexible: this.#flexible,
      root,
      structs: this.#structs,
      path: this.#path,
    }
  }

  #struct(name: string, versions: Range, rawFields: readonly RawField[]): Struct {
    const fields: Field[] = []
    const struct: Struct = { name, versions, flexible: intersect(this.#flexible, versions), fields }
    this.#structs.push(struct)
    for (const rawField of rawFields) {
      const field = this.#field(rawField, versions)
      if (field !== undefined) fields.push(field)
    }
    return struct
  }

  /** A field, or undefined where none of the versions that are left has it. */
  #field(raw: RawField, context: Range): Field | undefined {
    const tagged = intersect(parseVersions(raw.taggedVersions), context)
    const versions = intersect(parseVersions(raw.versions ?? raw.taggedVersions), context)
    if (versions === null) return undefined
    if ((tagged === null) !== (raw.tag === undefined))
      throw new Error(`${this.#path}: ${raw.name}: tag without versions`)
    const ownFlexible =
      raw.flexibleVersions === undefined ? this.#flexible : parseVersions(raw.flexibleVersions)
    return {
      name: raw.name.charAt(0).toLowerCase() + raw.name.slice(1),
      type: this.#type(raw, raw.type, versions),
      versions,
      nullable: intersect(parseVersions(raw.nullableVersions), versions),
      tagged,
      tag: raw.tag ?? -1,
      flexible: intersect(ownFlexible, versions),
      // As for Kafka's own generator, a JSON null (but not the string "null") is no default at all.
      default:
        raw.default === undefined || raw.default === null || raw.default === ''
          ? undefined
          : String(raw.default),
    }
  }

  #type(raw: RawField, name: string, versions: Range): FieldType {
    if (name.startsWith('[]')) {
      const element = this.#type(raw, name.slice(2), versions)
      if (element.kind === 'array') throw new Error(`${this.#path}: ${raw.name}: an array of arrays`)
      return { kind: 'array', element }
    }
    if (PRIMITIVES.has(name)) return { kind: 'primitive', name: name as Primitive }
    if (raw.fields !== undefined) return { kind: 'struct', struct: this.#struct(name, versions, raw.fields) }
    return { kind: 'struct', struct: this.#commonStruct(name) }
  }

  #commonStruct(name: string): Struct {
    const known = this.#common.get(name)
    if (known !== undefined) return known
    const raw = this.#raw.commonStructs?.find((struct) => struct.name === name)
    const versions = intersect(parseVersions(raw?.versions), this.#versions)
    if (raw === undefined || versions === null) throw new Error(`${this.#path}: no struct ${name}`)
    const struct = this.#struct(name, versions, raw.fields)
    this.#common.set(name, struct)
    return struct
  }
}

/**
 * Makes the names of all structs that share a file differ: those whose name occurs twice get the name of their
 * message in front.
 */
export function uniqueNames(definitions: readonly Definition[]): void {
  const seen = new Map<string, number>()
  const all = definitions.flatMap((definition) =>
    definition.structs.map((struct) => ({ definition, struct })),
  )
  for (const { struct } of all) seen.set(struct.name, (seen.get(struct.name) ?? 0) + 1)
  for (const { definition, struct } of all) {
    if ((seen.get(struct.name) ?? 0) > 1 && struct !== definition.root)
      struct.name = definition.name + struct.name
  }
}
