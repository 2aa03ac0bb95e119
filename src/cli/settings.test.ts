import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Flags } from './arguments.ts'
import { startOptions } from './settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'ottla-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const NO_FLAGS: Flags = {
  port: undefined,
  host: undefined,
  topics: [],
  dataDir: undefined,
  clusterId: undefined,
  config: {},
  configFiles: [],
  logLevel: 'info',
}

let files = 0

function file(content: string): string {
  const path = join(folder, `${++files}.properties`)
  writeFileSync(path, content)
  return path
}

test('with nothing said it listens on port 9092 of every address', () => {
  expect(startOptions(NO_FLAGS, {})).toEqual({
    port: 9092,
    host: '*',
    topics: [],
    dataDir: undefined,
    clusterId: undefined,
    config: {},
    warnings: [],
  })
})

test('files, environment and flags, from weak to strong', () => {
  const first = file('num.partitions=1\nnum.io.threads=1\nlog.retention.hours=1\nbroker.rack=a\n')
  const second = file('num.partitions=2\nnum.io.threads=2\nlog.retention.hours=2\n')
  const { config } = startOptions(
    { ...NO_FLAGS, configFiles: [first, second], config: { 'num.partitions': '4' } },
    { KAFKA_NUM_IO_THREADS: '3', KAFKA_NUM_PARTITIONS: '3' },
  )
  expect(config).toEqual({
    'num.partitions': '4',
    'num.io.threads': '3',
    'log.retention.hours': '2',
    'broker.rack': 'a',
  })
})

test('a wrong value is said with its place', () => {
  const path = file('# a comment\nnum.partitions=many\n')
  const wrong = 'Invalid value many for configuration num.partitions: Not a number of type INT'
  expect(() => startOptions({ ...NO_FLAGS, configFiles: [path] }, {})).toThrow(`${path}:2: ${wrong}`)
  expect(() => startOptions(NO_FLAGS, { KAFKA_NUM_PARTITIONS: 'many' })).toThrow(
    `KAFKA_NUM_PARTITIONS: ${wrong}`,
  )
  expect(() => startOptions({ ...NO_FLAGS, config: { 'num.partitions': 'many' } }, {})).toThrow(
    `-c num.partitions: ${wrong}`,
  )
})

test('a wrong value that another one replaces does no harm', () => {
  const path = file('num.partitions=many\n')
  const flags = { ...NO_FLAGS, configFiles: [path], config: { 'num.partitions': '1' } }
  expect(startOptions(flags, {}).config).toEqual({ 'num.partitions': '1' })
})

test('of a key that is there twice the last one counts, with a warning', () => {
  const path = file('num.partitions=1\n\nnum.partitions=2\n')
  const { config, warnings } = startOptions({ ...NO_FLAGS, configFiles: [path] }, {})
  expect(config).toEqual({ 'num.partitions': '2' })
  expect(warnings).toEqual([`${path}:3: num.partitions is set again and replaces what is set at ${path}:1`])
})

test.each([
  [() => folder, 'it is a directory'],
  [() => join(folder, 'none'), 'there is no such file'],
  [() => file('a'.repeat(5_000_000)), '5000000 bytes are too many for a file of configs'],
])('a file that cannot be read', (path, reason) => {
  expect(() => startOptions({ ...NO_FLAGS, configFiles: [path()] }, {})).toThrow(
    `: ${reason}. A single config`,
  )
})

test('listeners say where to listen, and then nothing else may', () => {
  const path = file('listeners=PLAINTEXT://:9093\n')
  const flags = { ...NO_FLAGS, configFiles: [path] }
  expect(startOptions(flags, {})).toMatchObject({ port: undefined, host: undefined })
  expect(() => startOptions({ ...flags, port: 1 }, {})).toThrow(
    `listeners (${path}:1) says where to listen: leave out --port and --host`,
  )
})

test('what the environment advertises is listened on where nothing else is said', () => {
  const variables = { KAFKA_ADVERTISED_LISTENERS: 'IN://kafka:9092, OUT://localhost:19092,SIX://[::1]:19093' }
  const listeners = 'IN://:9092,OUT://:19092,SIX://:19093'
  expect(startOptions(NO_FLAGS, variables)).toMatchObject({ port: undefined, config: { listeners } })
  expect(startOptions({ ...NO_FLAGS, port: 5 }, variables)).toMatchObject({ port: 5, host: '*' })
  const set = { ...variables, KAFKA_LISTENERS: 'IN://:1' }
  expect(startOptions(NO_FLAGS, set).config['listeners']).toBe('IN://:1')
})

test('a key of a strange name stays a key', () => {
  const { config } = startOptions({ ...NO_FLAGS, configFiles: [file('__proto__=x\n')] }, {})
  expect(Object.entries(config)).toEqual([['__proto__', 'x']])
})

test('where the data are: the flag wins over files and the environment', () => {
  const environment = { KAFKA_LOG_DIRS: '/var/lib/kafka', CLUSTER_ID: 'FFFFFFFFFFFFFFFFFFFFFw' }
  expect(startOptions(NO_FLAGS, environment)).toMatchObject({
    dataDir: undefined,
    clusterId: 'FFFFFFFFFFFFFFFFFFFFFw',
    config: { 'log.dirs': '/var/lib/kafka' },
    warnings: [],
  })
  expect(startOptions({ ...NO_FLAGS, dataDir: './data', clusterId: 'x' }, environment)).toMatchObject({
    dataDir: './data',
    clusterId: 'x',
    config: {},
  })
  const bitnami = { ...environment, KAFKA_KRAFT_CLUSTER_ID: 'y' }
  expect(startOptions(NO_FLAGS, bitnami)).toMatchObject({ clusterId: 'y', warnings: [] })
})

test('what is advertised without a host, as Bitnami tells people to, is what clients connect to', () => {
  const variables = {
    KAFKA_CFG_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    KAFKA_CFG_ADVERTISED_LISTENERS: 'PLAINTEXT://:9092',
  }
  const { config, warnings } = startOptions(NO_FLAGS, variables)
  expect(config).toEqual({ listeners: variables.KAFKA_CFG_LISTENERS })
  expect(warnings).toEqual([])
  const two = { ...variables, KAFKA_CFG_ADVERTISED_LISTENERS: 'PLAINTEXT://:9092,EXTERNAL://localhost:9094' }
  expect(startOptions(NO_FLAGS, two).config['advertised.listeners']).toBe('EXTERNAL://localhost:9094')
})

test('a port that is told to clients and not listened on is a warning that says what to do', () => {
  const variables = {
    KAFKA_LISTENERS: 'IN://:9092,OUT://:9094',
    KAFKA_ADVERTISED_LISTENERS: 'IN://kafka:9092,OUT://localhost:19094',
  }
  expect(startOptions(NO_FLAGS, variables).warnings).toEqual([
    'advertised.listeners (KAFKA_ADVERTISED_LISTENERS): clients are told to connect to localhost:19094 while the broker ' +
      'listens on 9094: they reach it only where 19094 leads to 9094, as with docker run -p 19094:9094',
  ])
})

test('no directory is no directory, even where a file names one', () => {
  const flags = { ...NO_FLAGS, configFiles: [file('log.dirs=/data\n')] }
  expect(startOptions(flags, { KAFKA_LOG_DIRS: '' }).config).toEqual({})
})
