import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { kebab, messageFiles } from './messages.ts'

describe('messageFiles', () => {
  test('makes one file for each API, with what is advertised of it', () => {
    const files = generate({
      'messages/PingRequest.json': { ...ping, type: 'request', name: 'PingRequest' },
      'messages/PingResponse.json': { ...ping, type: 'response', name: 'PingResponse' },
      'messages/GoneRequest.json': { apiKey: 7, type: 'request', name: 'GoneRequest', validVersions: 'none' },
    })
    expect([...files.keys()]).toEqual(['src/wire/messages/ping.ts'])
    const content = files.get('src/wire/messages/ping.ts')
    expect(content).toContain('export const pingApi: Api<PingRequest, PingResponse> = {')
    expect(content).toContain('advertised: [0, 1],')
    expect(content).toContain('flexibleFrom: 2,')
    // The struct occurs in both, so its name is not enough.
    expect(content).toContain('export interface PingRequestItem {')
    expect(content).toContain('export interface PingResponseItem {')
    expect(content).toContain('  readonly label: string | null // 1+\n')
    expect(content).toContain('  readonly limit?: number | undefined\n')
    expect(content).toContain(
      "label: version >= 1 ? (version >= 2 ? r.compactNullableString() : r.nullableString()) : '',",
    )
  })

  test('takes a JSON null for no default, unlike the word "null"', () => {
    const fields = [
      {
        name: 'None',
        type: '[]int32',
        versions: '0+',
        nullableVersions: '0+',
        taggedVersions: '0+',
        tag: 0,
        default: null,
      },
      {
        name: 'Null',
        type: '[]int32',
        versions: '0+',
        nullableVersions: '0+',
        taggedVersions: '0+',
        tag: 1,
        default: 'null',
      },
    ]
    const definition = {
      type: 'metadata',
      apiKey: 5,
      name: 'OddRecord',
      validVersions: '0',
      flexibleVersions: '0+',
      fields,
    }
    const content = generate({ 'metadata-records/OddRecord.json': definition }).get(
      'src/wire/metadata-records/odd-record.ts',
    )
    expect(content).toContain('none: [],')
    expect(content).toContain('null: null,')
  })

  test('refuses definitions that contradict themselves', () => {
    const alone = { 'messages/PingRequest.json': { ...ping, type: 'request', name: 'PingRequest' } }
    expect(() => generate(alone)).toThrow('no PingResponse goes with it')
    const other = { ...ping, type: 'response', name: 'PingResponse', validVersions: '0-3' }
    expect(() => generate({ ...alone, 'messages/PingResponse.json': other })).toThrow('differ in versions')
  })
})

test('kebab puts hyphens between words', () => {
  expect(kebab('OffsetForLeaderEpoch')).toBe('offset-for-leader-epoch')
  expect(kebab('KRaftVersionRecord')).toBe('k-raft-version-record')
  expect(kebab('ApiVersions')).toBe('api-versions')
})

const ping = {
  apiKey: 3,
  validVersions: '0-2',
  flexibleVersions: '2+',
  fields: [
    {
      name: 'Items',
      type: '[]Item',
      versions: '0+',
      fields: [{ name: 'Label', type: 'string', versions: '1+', nullableVersions: '1+' }],
    },
    { name: 'Limit', type: 'int32', versions: '0+', default: '0x7fffffff' },
  ],
}

/** What is generated from definitions by their path below protocol/, by the path it goes to. */
function generate(definitions: Readonly<Record<string, unknown>>): Map<string, string> {
  const root = mkdtempSync(join(tmpdir(), 'generate-'))
  for (const folder of ['messages', 'coordinator-records', 'metadata-records']) {
    mkdirSync(join(root, 'protocol', folder), { recursive: true })
  }
  writeFileSync(
    join(root, 'protocol/api-versions.txt'),
    'Some broker\n\tPing(3): 0 to 1,\n\tGone(7): UNSUPPORTED,\n',
  )
  for (const [path, definition] of Object.entries(definitions)) {
    writeFileSync(join(root, 'protocol', path), JSON.stringify(definition))
  }
  return new Map(messageFiles(root).map(({ path, content }) => [path, content]))
}
