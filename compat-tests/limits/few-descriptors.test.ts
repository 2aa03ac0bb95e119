/** A broker that may have few files and connections open (ulimit -n): it loses nothing, and says what is to be done. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { heartbeat, RawClient } from '../../src/server/raw-client.suite.ts'
import { createTopicsApi } from '../../src/wire/messages/create-topics.ts'
import { listOffsetsApi } from '../../src/wire/messages/list-offsets.ts'
import { produceApi } from '../../src/wire/messages/produce.ts'
import { ZERO_UUID } from '../../src/wire/reader.ts'
import { buildBatch } from '../../src/wire/records.ts'
import { type BrokerCommand, type BrokerProcess, freePort, startBrokerProcess } from '../broker-process.ts'
import { bundleProgram } from '../bundle.ts'
import { root } from '../tools.ts'
import { PATIENCE, until } from '../until.ts'

const DESCRIPTORS = 64
const CONNECTIONS = 200
const PARTITIONS = Array.from({ length: 150 }, (_, index) => index)
const LATEST = -1n

// One folder below the project's own, as dist/ is: from there the program finds package.json and the packages.
const program = join(root, '.tools/few-descriptors-ottla.js')
const dataDir = mkdtempSync(join(tmpdir(), 'ottla-descriptors-'))
const RECORDS = buildBatch([{ value: Buffer.alloc(100) }])

describe.skipIf(process.platform === 'win32')(`a broker with ${DESCRIPTORS} descriptors`, () => {
  beforeAll(() => bundleProgram('src/cli.ts', program))
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

  test('keeps what it has, lets others in when there is room, and starts again', PATIENCE, async () => {
    const port = await freePort()
    {
      await using broker = await start(port)
      const client = await RawClient.connect(port)
      await createTopic(client)
      expect(await produceToAll(client)).toEqual(PARTITIONS.map(() => 0))
      const crowd = await connectMany(port)
      const served = crowd.filter(({ ended }) => !ended)
      expect(served.length).toBeGreaterThan(0)
      expect(served.length).toBeLessThan(DESCRIPTORS)
      expect(await produceToAll(client)).toEqual(PARTITIONS.map(() => 0))
      for (const { socket } of crowd) socket.destroy()
      await until('a new connection is served', () => isServed(port))
      expect(await produceToAll(client)).toEqual(PARTITIONS.map(() => 0))
      const told = warnings(broker)
      expect(told).toEqual([expect.stringContaining('listener PLAINTEXT closes new connections')])
      expect(told[0]).toContain('ulimit -n')
      await broker.kill9()
    }
    await using broker = await start(port)
    const client = await RawClient.connect(port)
    expect(await endOffsets(client)).toEqual(PARTITIONS.map(() => 3n))
    client.socket.destroy()
    await broker.stop()
  })
})

function start(port: number): Promise<BrokerProcess> {
  const flags = ['--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'warn', '--data-dir', dataDir]
  const limited = `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`
  const command: BrokerCommand = ['bash', '-c', limited, process.execPath, program, ...flags]
  return startBrokerProcess(command, port)
}

/** Connections of which each has been served or closed. */
async function connectMany(port: number): Promise<readonly RawClient[]> {
  const crowd = await Promise.all(Array.from({ length: CONNECTIONS }, () => RawClient.connect(port)))
  await Promise.all(
    crowd.map((client) => {
      client.send(heartbeat('group', 1))
      return client.answer()
    }),
  )
  return crowd
}

async function isServed(port: number): Promise<boolean> {
  const client = await RawClient.connect(port)
  client.send(heartbeat('group', 1))
  const answer = await client.answer()
  client.socket.destroy()
  return answer !== null
}

async function createTopic(client: RawClient): Promise<void> {
  const topic = {
    name: 'topic',
    numPartitions: PARTITIONS.length,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }
  const request = { topics: [topic], timeoutMs: 30_000, validateOnly: false }
  expect((await client.request(createTopicsApi, 7, request)).topics).toMatchObject([{ errorCode: 0 }])
}

/** The error codes of one record for each partition, each in a request of its own. */
async function produceToAll(client: RawClient): Promise<readonly (number | undefined)[]> {
  const codes: (number | undefined)[] = []
  for (const index of PARTITIONS) {
    const topicData = [{ name: 'topic', topicId: ZERO_UUID, partitionData: [{ index, records: RECORDS }] }]
    const request = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
    const answer = await client.request(produceApi, 9, request)
    codes.push(answer.responses[0]?.partitionResponses[0]?.errorCode)
  }
  return codes
}

async function endOffsets(client: RawClient): Promise<readonly bigint[]> {
  const partitions = PARTITIONS.map((partitionIndex) => ({
    partitionIndex,
    currentLeaderEpoch: -1,
    timestamp: LATEST,
  }))
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name: 'topic', partitions }], timeoutMs: 0 }
  const { topics } = await client.request(listOffsetsApi, 7, request)
  const found = topics[0]?.partitions ?? []
  return PARTITIONS.map((index) => found.find((each) => each.partitionIndex === index)?.offset ?? -1n)
}

function warnings(broker: BrokerProcess): readonly string[] {
  const lines = broker.words().split('\n')
  return lines.filter((line) => line.includes('"msg"') && !line.includes('crc32'))
}
