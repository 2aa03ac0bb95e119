/** Each difference between the two tempers, seen by a client of both. */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/clock.ts'
import { startBroker } from '../../src/cluster.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import { describeGroupsApi } from '../../src/wire/messages/describe-groups.ts'
import { findCoordinatorApi } from '../../src/wire/messages/find-coordinator.ts'
import { joinGroupApi } from '../../src/wire/messages/join-group.ts'
import { metadataApi } from '../../src/wire/messages/metadata.ts'
import { Connection } from './client.ts'
import { type TemperName, tempers } from './tempers.ts'

interface Shown {
  readonly client: Connection
  readonly clock: ManualClock
  /** Another client of the same broker. */
  readonly connect: () => Promise<Connection>
}

/** What a client is answered in the situation that the name tells of, in the words of the list. */
type Show = (shown: Shown) => Promise<string>

const GROUP = 0
const TRANSACTION = 1

const shows: Readonly<Record<TemperName, Show>> = {
  'Metadata: a topic that is only made because it is asked for': async ({ client }) => {
    const request = { topics: [{ name: 'a' }], allowAutoTopicCreation: true }
    const { topics } = await client.send(metadataApi, 12, request)
    if (topics[0]?.errorCode !== ErrorCode.NONE) return nameOf(topics[0]?.errorCode)
    expect(topics[0].partitions.map(({ errorCode, leaderId }) => [errorCode, leaderId])).toEqual([[0, 1]])
    return 'the topic, each partition with its leader'
  },

  'FindCoordinator: the first group of the cluster': async ({ client }) => {
    const errorCode = await find(client, GROUP)
    if (errorCode !== ErrorCode.NONE) return `${nameOf(errorCode)}, while __consumer_offsets is made`
    const { groups } = await client.send(describeGroupsApi, 5, { groups: ['g'] })
    expect(groups[0]?.errorCode).toBe(ErrorCode.NONE)
    return 'the coordinator, at work'
  },

  'FindCoordinator: the first transactional id of the cluster': async ({ client }) => {
    const errorCode = await find(client, TRANSACTION)
    return errorCode === ErrorCode.NONE
      ? 'the coordinator'
      : `${nameOf(errorCode)}, while __transaction_state is made`
  },

  'JoinGroup: the first member of an empty group': async ({ client, clock, connect }) => {
    const other = await connect()
    while ((await find(other, GROUP)) !== ErrorCode.NONE);
    const joined = client.send(joinGroupApi, 3, {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 0, 255, 255, 255, 255]) }],
    })
    let state: string | undefined
    while (state !== 'PreparingRebalance' && state !== 'CompletingRebalance')
      state = await stateOf(other, 'g')
    let delayMs = 0
    if (state === 'PreparingRebalance') {
      await clock.advance(2999)
      expect(await stateOf(other, 'g')).toBe('PreparingRebalance')
      await clock.advance(1)
      delayMs = 3000
    }
    expect((await joined).errorCode).toBe(ErrorCode.NONE)
    const when = delayMs === 0 ? 'at once' : `after ${delayMs / 1000} s`
    return `${when}: group.initial.rebalance.delay.ms is ${delayMs}`
  },
}

async function find(client: Connection, keyType: number): Promise<number | undefined> {
  const { coordinators } = await client.send(findCoordinatorApi, 4, { coordinatorKeys: ['g'], keyType })
  return coordinators[0]?.errorCode
}

async function stateOf(client: Connection, group: string): Promise<string | undefined> {
  const { groups } = await client.send(describeGroupsApi, 5, { groups: [group] })
  return groups[0]?.groupState
}

function nameOf(errorCode: number | undefined): string {
  return errorName(errorCode as ErrorCode)
}

describe.each([
  ['ottla.realistic=true', true],
  ['the default temper', false],
])('%s', (_, realistic) => {
  it.each(tempers.map((temper) => [temper.name, temper] as const))('%s', async (name, temper) => {
    const clock = new ManualClock()
    const broker = await startBroker({ clock, config: { 'ottla.realistic': String(realistic) } })
    const clients: Connection[] = []
    const connect = async (): Promise<Connection> => {
      const client = await Connection.open('127.0.0.1', Number(broker.bootstrapServers.split(':').at(-1)))
      clients.push(client)
      return client
    }
    try {
      const answer = await shows[name]({ client: await connect(), clock, connect })
      expect(answer).toBe(realistic ? temper.realistic : temper.impatient)
    } finally {
      for (const client of clients) client.close()
      await broker.stop()
    }
  })
})

it('shows each entry of the list, and nothing else', () => {
  expect(Object.keys(shows)).toEqual(tempers.map(({ name }) => name))
})
