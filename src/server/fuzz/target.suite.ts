import { ManualClock, seededRandom } from '../../clock.ts'
import { startBroker } from '../../cluster.ts'
import { handlers } from '../../handlers/index.ts'
import type { Api } from '../../wire/message.ts'
import { findCoordinatorApi } from '../../wire/messages/find-coordinator.ts'
import { metadataApi } from '../../wire/messages/metadata.ts'
import { produceApi } from '../../wire/messages/produce.ts'
import type { Dispatcher } from '../dispatch.ts'
import { RawClient } from '../raw-client.suite.ts'
import { ErrorLines } from './harness.suite.ts'
import { recordBatch, requestFrames } from './request-frames.suite.ts'

/** A broker to send hostile requests to. */
export interface Target {
  readonly port: number
  readonly clock: ManualClock
  readonly errors: ErrorLines
  /** A valid request for each API and version. */
  readonly frames: readonly Buffer[]
  readonly target: Dispatcher
  readonly elapse: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Starts a broker with a topic that has records, and whose group coordinator is ready. */
export async function startTarget(seed: number): Promise<Target> {
  const clock = new ManualClock(Date.UTC(2026, 0, 1))
  const errors = new ErrorLines()
  const topic = { name: 'fuzz', partitions: 4 }
  const broker = await startBroker({
    clock,
    random: seededRandom(seed),
    logger: errors.logger,
    topics: [topic],
  })
  const port = Number(broker.bootstrapServers.split(':').at(-1))
  const client = await RawClient.connect(port)
  const { topics } = await client.request(metadataApi, 12, METADATA_REQUEST)
  const topicId = topics[0]?.topicId ?? ''
  const partitionData = [0, 1].map((index) => ({ index, records: recordBatch(3) }))
  const topicData = [{ name: '', topicId, partitionData }]
  await succeed(
    client,
    produceApi,
    13,
    { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData },
    (answer) =>
      answer.responses.every(({ partitionResponses }) =>
        partitionResponses.every(({ errorCode }) => errorCode === 0),
      ),
  )
  await succeed(
    client,
    findCoordinatorApi,
    4,
    { key: '', keyType: 0, coordinatorKeys: ['group'] },
    (answer) => (answer.coordinators ?? []).every(({ errorCode }) => errorCode === 0),
  )
  client.socket.destroy()
  return {
    port,
    clock,
    errors,
    frames: requestFrames(handlers, { topic: topic.name, topicId }, seed),
    target: broker.dispatcher,
    elapse: () => clock.advance(60_000),
    stop: () => broker.stop(),
  }
}

const METADATA_REQUEST = {
  topics: null,
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

/** Sends a request until its answer says that all is well: a coordinator may not be ready at first. */
async function succeed<Req, Res>(
  client: RawClient,
  api: Api<Req, Res>,
  version: number,
  request: Req,
  isWell: (answer: Res) => boolean,
): Promise<void> {
  for (let attempt = 1; attempt <= 50; attempt++) {
    if (isWell(await client.request(api, version, request))) return
  }
  throw new Error(`${api.name} does not succeed`)
}
