/** src/wire/messages, coordinator-records and metadata-records: one file for each API, record or structure. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Definition, readDefinitions, type Struct, uniqueNames } from './definitions.ts'
import type { GeneratedFile } from './generated-file.ts'
import { listFunctions, readFunction } from './struct-reader.ts'
import { defaultConstant, defaultName, interfaces, isDefaultFunction } from './struct-types.ts'
import { writeFunction } from './struct-writer.ts'

/** Everything that the definitions under `root`/protocol give. */
export function messageFiles(root: string): GeneratedFile[] {
  const advertised = readAdvertised(root)
  const messages = readDefinitions(root, 'protocol/messages')
  const coordinatorRecords = readDefinitions(root, 'protocol/coordinator-records')
  const metadataRecords = readDefinitions(root, 'protocol/metadata-records')
  const files: GeneratedFile[] = []
  for (const definition of messages) {
    if (definition.kind === 'response') continue
    if (definition.kind !== 'request') files.push(dataFile('messages', definition))
    else files.push(apiFile(definition, partner(messages, definition, 'Request', 'Response'), advertised))
  }
  for (const definition of coordinatorRecords) {
    if (definition.kind !== 'coordinator-key') continue
    files.push(recordFile(definition, partner(coordinatorRecords, definition, 'Key', 'Value')))
  }
  for (const definition of metadataRecords) files.push(dataFile('metadata-records', definition))
  return files
}

function partner(all: readonly Definition[], one: Definition, from: string, to: string): Definition {
  const name = one.name.replace(new RegExp(`${from}$`), to)
  const other = all.find((definition) => definition.name === name)
  if (other === undefined || other.apiKey !== one.apiKey)
    throw new Error(`${one.path}: no ${name} goes with it`)
  return other
}

/** What api-versions.txt says: the versions by API key. */
function readAdvertised(root: string): Map<number, string> {
  const text = readFileSync(join(root, 'protocol/api-versions.txt'), 'utf8')
  const advertised = new Map<number, string>()
  for (const [, key, min, max] of text.matchAll(/^\s*\w+\((\d+)\): (\d+)(?: to (\d+))?,?$/gm)) {
    advertised.set(Number(key), `[${min}, ${max ?? min}]`)
  }
  return advertised
}

function apiFile(request: Definition, response: Definition, advertised: Map<number, string>): GeneratedFile {
  const name = request.name.replace(/Request$/, '')
  if (versionsOf(request) !== versionsOf(response) || flexibleFrom(request) !== flexibleFrom(response)) {
    throw new Error(`${request.path}: request and response differ in versions`)
  }
  const key = request.apiKey as number
  const head = `export const ${lower(name)}Api: Api<${request.name}, ${response.name}> = {
  key: ${key},
  name: '${name}',
  versions: ${versionsOf(request)},
  advertised: ${advertised.get(key) ?? 'null'},
  flexibleFrom: ${flexibleFrom(request)},
  request: { read: read${request.name}, write: write${request.name} },
  response: { read: read${response.name}, write: write${response.name} },
}
`
  return file(`src/wire/messages/${kebab(name)}.ts`, 'Api', head, [request, response])
}

function dataFile(folder: string, definition: Definition): GeneratedFile {
  const { name, apiKey } = definition
  const withType = folder === 'metadata-records'
  const type = `DataMessage<${name}>${withType ? ' & { readonly type: number }' : ''}`
  const head = `export const ${lower(name)}: ${type} = {
${withType ? `  type: ${apiKey},\n` : ''}${dataMembers(definition, '  ')}}
`
  return file(`src/wire/${folder}/${kebab(name)}.ts`, 'DataMessage', head, [definition])
}

function recordFile(key: Definition, value: Definition): GeneratedFile {
  const name = key.name.replace(/Key$/, '')
  const head = `export const ${lower(name)}Record: RecordMessage<${key.name}, ${value.name}> = {
  type: ${key.apiKey},
  key: {
${dataMembers(key, '    ')}  },
  value: {
${dataMembers(value, '    ')}  },
}
`
  return file(`src/wire/coordinator-records/${kebab(name)}.ts`, 'RecordMessage', head, [key, value])
}

function dataMembers(definition: Definition, indent: string): string {
  const { name } = definition
  const members = [
    `name: '${name}'`,
    `versions: ${versionsOf(definition)}`,
    `flexibleFrom: ${flexibleFrom(definition)}`,
    `read: read${name}`,
    `write: write${name}`,
  ]
  return members.map((member) => `${indent}${member},\n`).join('')
}

function versionsOf({ versions }: Definition): string {
  return `[${versions.min}, ${versions.max}]`
}

function flexibleFrom({ flexible }: Definition): string {
  return flexible === null ? 'NEVER_FLEXIBLE' : String(flexible.min)
}

function file(
  path: string,
  contract: string,
  head: string,
  definitions: readonly Definition[],
): GeneratedFile {
  uniqueNames(definitions)
  const codecs = definitions.map(codec)
  const body = [
    head,
    ...definitions.map(interfaces),
    ...codecs,
    ...defaults(definitions, codecs.join('\n')),
  ].join('\n')
  const sources = definitions.map(({ path: source }) => source).join(' and ')
  return {
    path,
    content: `// Generated by scripts/generate.ts from ${sources}. Do not edit.\n${imports(contract, body)}\n${body}`,
  }
}

/** All functions of a message. */
function codec(definition: Definition): string {
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

/** The constants and functions about defaults that the code asks for, and those that they ask for. */
function defaults(definitions: readonly Definition[], code: string): string[] {
  const parts: string[] = []
  let text = code
  // Parents come before children, so whatever a part asks for is looked at after it.
  for (const definition of definitions) {
    for (const struct of definition.structs) {
      for (const part of defaultsOf(struct, definition.kind === 'response', text)) {
        parts.unshift(part)
        text += part
      }
    }
  }
  return parts
}

function defaultsOf(struct: Struct, isResponse: boolean, text: string): string[] {
  const parts: string[] = []
  if (new RegExp(`\\b${defaultName(struct)}\\b`).test(text)) parts.push(defaultConstant(struct))
  if (text.includes(`isDefault${struct.name}(`)) parts.push(isDefaultFunction(struct, isResponse))
  return parts
}

function imports(contract: string, body: string): string {
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(body)
  const line = (names: readonly string[], from: string): string =>
    names.length === 0 ? '' : `import { ${names.join(', ')} } from '../${from}.ts'\n`
  const errors = ['misplacedTag', 'required', 'unknownVersion'].filter(uses)
  const constants = ['EMPTY_BYTES', 'ZERO_UUID'].filter(uses)
  const reader =
    constants.length === 0
      ? "import type { Reader } from '../reader.ts'\n"
      : line([...constants.slice(0, 1), 'type Reader', ...constants.slice(1)], 'reader')
  const message = uses('NEVER_FLEXIBLE')
    ? line([`type ${contract}`, 'NEVER_FLEXIBLE'], 'message')
    : `import type { ${contract} } from '../message.ts'\n`
  return `${message}${reader}${line(errors, 'wire-error')}import type { Writer } from '../writer.ts'\n`
}

function lower(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** OffsetForLeaderEpoch → offset-for-leader-epoch */
export function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
}
