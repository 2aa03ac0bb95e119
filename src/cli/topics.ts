/** `ottla topics`: creates, lists, describes, alters and deletes topics as kafka-topics does, at any Kafka broker. */
import { configDefinitions } from '../config/config-definition.ts'
import { ConfigError } from '../config/config-error.ts'
import { parseConfig } from '../config/parse-config.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import { createPartitionsApi } from '../wire/messages/create-partitions.ts'
import { createTopicsApi } from '../wire/messages/create-topics.ts'
import { deleteTopicsApi } from '../wire/messages/delete-topics.ts'
import { type MetadataResponseTopic, metadataApi } from '../wire/messages/metadata.ts'
import { ZERO_UUID } from '../wire/reader.ts'
import { type Client, connectTo } from './client.ts'
import { ClientError } from './client-error.ts'
import { checkCommandConfig } from './command-config.ts'
import { numberOf, type Options } from './command-options.ts'
import { describeTopics } from './topics-describe.ts'
import { actionOf, parseTopicsOptions, TOPICS_HELP } from './topics-options.ts'

/** As long as Kafka's admin client tries. */
const TIMEOUT_MS = 60_000

type Print = (text: string) => void

/**
 * Does what the arguments say. What a broker refuses is printed as kafka-topics prints it.
 * @returns the exit code.
 * @throws UsageError
 */
export async function topics(args: readonly string[], print: Print): Promise<number> {
  const options = parseTopicsOptions(args)
  if (options.has('help')) {
    print(TOPICS_HELP)
    return 0
  }
  const action = actionOf(options)
  checkCommandConfig(options)
  try {
    const client = await connectTo(options.get('bootstrap-server')?.at(-1) ?? '', TIMEOUT_MS)
    try {
      await ACTIONS[action](client, options, print)
    } finally {
      // The connection would keep the program alive.
      client.close()
    }
    return 0
  } catch (error) {
    if (!(error instanceof ClientError)) throw error
    print(`Error while executing topic command : ${error.message}\n`)
    return 1
  }
}

const ACTIONS: Readonly<
  Record<ReturnType<typeof actionOf>, (client: Client, options: Options, print: Print) => Promise<void>>
> = { create, list, describe, alter, delete: remove }

async function create(client: Client, options: Options, print: Print): Promise<void> {
  const name = options.get('topic')?.at(-1) ?? ''
  if (/[._]/.test(name)) print(COLLISION_WARNING)
  const partitions = numberOf(options, 'partitions')
  const replicas = numberOf(options, 'replication-factor')
  if (replicas !== undefined && (replicas < 1 || replicas > 32_767)) {
    throw new ClientError('The replication factor must be between 1 and 32767 inclusive')
  }
  if (partitions !== undefined && partitions < 1)
    throw new ClientError('The partitions must be greater than 0')
  const assignments = assignmentOf(options).map((brokerIds, partitionIndex) => ({
    partitionIndex,
    brokerIds,
  }))
  const topic = {
    name,
    numPartitions: partitions ?? -1,
    replicationFactor: replicas ?? -1,
    assignments,
    configs: configsOf(options),
  }
  const answer = await client.send(createTopicsApi, {
    topics: [topic],
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  })
  const [result] = answer.topics
  if (result?.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS && options.has('if-not-exists')) return
  check(result)
  print(`Created topic ${name}.\n`)
}

const COLLISION_WARNING =
  "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. " +
  'To avoid issues it is best to use either, but not both.\n'

async function list(client: Client, options: Options, print: Print): Promise<void> {
  const found = await selected(client, options)
  print(`${found.map(({ name }) => name).join('\n')}\n`)
}

async function describe(client: Client, options: Options, print: Print): Promise<void> {
  const found = await selected(client, options)
  if (found.length === 0) checkExists(options)
  else await describeTopics(client, found, options, print)
}

async function alter(client: Client, options: Options, _print: Print): Promise<void> {
  const found = await selected(client, options)
  if (found.length === 0) {
    checkExists(options)
    return
  }
  const count = numberOf(options, 'partitions') ?? 0
  const assignment = assignmentOf(options)
  const wanted = found.map(({ name, partitions }) => ({
    name: name ?? '',
    count,
    assignments:
      assignment.length === 0
        ? null
        : assignment.slice(partitions.length).map((brokerIds) => ({ brokerIds })),
  }))
  const answer = await client.send(createPartitionsApi, {
    topics: wanted,
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  })
  for (const result of answer.results) check(result)
}

async function remove(client: Client, options: Options, _print: Print): Promise<void> {
  const found = await selected(client, options)
  if (found.length === 0) {
    checkExists(options)
    return
  }
  const names = found.map(({ name }) => name ?? '')
  const answer = await client.send(deleteTopicsApi, {
    topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
    topicNames: names,
    timeoutMs: TIMEOUT_MS,
  })
  for (const result of answer.responses) check(result)
}

/** The topics that the options name, in the order of their names: by id, by a pattern, or all. */
async function selected(client: Client, options: Options): Promise<readonly MetadataResponseTopic[]> {
  const { topics } = await client.send(metadataApi, {
    topics: null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  })
  const sorted = [...topics].sort((left, right) => ((left.name ?? '') < (right.name ?? '') ? -1 : 1))
  const id = options.get('topic-id')?.at(-1)
  if (id !== undefined && id !== ZERO_UUID) return sorted.filter(({ topicId }) => topicId === id)
  const pattern = patternOf(options.get('topic')?.at(-1))
  return sorted.filter(
    ({ name, isInternal }) =>
      pattern.test(name ?? '') && !(isInternal === true && options.has('exclude-internal')),
  )
}

/** As Kafka reads a list of topics: commas are alternatives, blanks and quotes around it mean nothing. */
function patternOf(text: string | undefined): RegExp {
  if (text === undefined || text === '') return /^/
  const plain = text
    .trim()
    .replaceAll(',', '|')
    .replaceAll(' ', '')
    .replace(/^["']+|["']+$/g, '')
  try {
    return new RegExp(`^(?:${plain})$`)
  } catch {
    throw new ClientError(`${text} is an invalid regex.`)
  }
}

function checkExists(options: Options): void {
  if (options.has('if-exists')) return
  const id = options.get('topic-id')?.at(-1)
  const name = options.get('topic')?.at(-1)
  if (id !== undefined) throw new ClientError(`TopicId '${id}' does not exist as expected`)
  if (name !== undefined) throw new ClientError(`Topic '${name}' does not exist as expected`)
}

/** The replicas of each partition: `1:2,2:1`. */
function assignmentOf(options: Options): readonly (readonly number[])[] {
  const text = options.get('replica-assignment')?.at(-1) ?? ''
  if (text === '') return []
  return text.split(',').map((part) =>
    part.split(':').map((id) => {
      if (!/^\s*\d{1,9}\s*$/.test(id))
        throw new ClientError(`${id} is no broker id in the assignment ${text}`)
      return Number(id)
    }),
  )
}

function configsOf(options: Options): readonly { readonly name: string; readonly value: string }[] {
  const configs = new Map<string, string>()
  for (const text of options.get('config') ?? []) {
    const [, name = '', value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (value === undefined || value.trim() === '') {
      throw new ClientError(`Invalid topic config ${text}: all configs must be in the format "key=val".`)
    }
    checkConfig(name.trim(), value.trim())
    configs.set(name.trim(), value.trim())
  }
  return Array.from(configs, ([name, value]) => ({ name, value }))
}

/** As kafka-topics does, before a broker is asked. */
function checkConfig(name: string, value: string): void {
  const definition = configDefinitions('topic').get(name)
  if (definition === undefined) throw new ClientError(`Unknown topic config name: ${name}`)
  try {
    parseConfig(definition, value)
  } catch (error) {
    throw error instanceof ConfigError ? new ClientError(error.message) : error
  }
}

interface Result {
  readonly errorCode: number
  readonly errorMessage?: string | null | undefined
}

function check(result: Result | undefined): void {
  if (result === undefined || result.errorCode === ErrorCode.NONE) return
  throw new ClientError(result.errorMessage ?? errorName(result.errorCode))
}
