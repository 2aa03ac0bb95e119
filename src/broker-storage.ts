/** Where a broker keeps its logs: in memory, or in a data directory that says itself whom it belongs to. */
import { access, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import type { Clock, Random } from './clock.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { ConfigError } from './config/config-error.ts'
import { parseProperties } from './config/properties.ts'
import type { TopicConfig } from './config/topic-config.ts'
import { decodeCheckpoint } from './metadata/checkpoint.ts'
import type { Metadata, MetadataRecord } from './metadata/metadata.ts'
import { randomUuid } from './metadata/random-uuid.ts'
import { CLUSTER_METADATA_TOPIC } from './metadata/topic-name.ts'
import { DataDirError } from './storage/data-dir.ts'
import type { LogId, LogStore } from './storage/log-store.ts'
import { MemoryStore } from './storage/memory-store.ts'

export interface BrokerStorage {
  readonly store: LogStore
  /** 22 characters of base64url. */
  readonly clusterId: string
  /** Null in memory. */
  readonly directoryId: string | null
  /** What a new cluster begins with, where `kafka-storage format` has said so. */
  readonly bootstrap: readonly MetadataRecord[] | null
  /** Whether the last shutdown was none: logs may have lost what was not flushed. */
  readonly mayHaveLost: boolean
  /** Whose topics' configs say how long dropped files stay. */
  use(metadata: Metadata): void
}

export interface StorageOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly clusterId?: string | undefined
}

/** Logs that go with the process. */
export function memoryStorage(
  options: Pick<StorageOptions, 'random' | 'clusterId'>,
  store?: LogStore,
): BrokerStorage {
  return {
    store: store ?? new MemoryStore(),
    clusterId: checkedClusterId(options.clusterId) ?? randomUuid(options.random),
    directoryId: null,
    bootstrap: null,
    mayHaveLost: false,
    use() {},
  }
}

/**
 * Takes the directory that the config names, if it names one.
 * @throws DataDirError when it cannot be used, ConfigError when several are named.
 */
export async function openStorage(options: StorageOptions): Promise<BrokerStorage> {
  const { config, clock, random, logger } = options
  const dataDir = dataDirOf(config)
  if (dataDir === null) return memoryStorage(options)
  const wasClean = await isThere(join(dataDir, CLEAN_SHUTDOWN))
  let metadata: Metadata | undefined
  const topicConfig = (topic: string): TopicConfig => config.topicConfig(metadata?.topic(topic)?.configs)
  // Who keeps everything in memory does not wait for it to load.
  const { openFileStore } = await import('./storage/file-store.ts')
  const store = await openFileStore({
    dataDir,
    clock,
    random,
    logger,
    clusterId: checkedClusterId(options.clusterId),
    nodeId: config.get('node.id') ?? 1,
    fileDeleteDelayMs: (topic) => topicConfig(topic).get('file.delete.delay.ms'),
    indexIntervalBytes: (topic) => topicConfig(topic).get('index.interval.bytes'),
    checkpointIntervalMs: config.get('log.flush.offset.checkpoint.interval.ms'),
  })
  try {
    checkHasMetadata(await store.list(), dataDir)
    return {
      store,
      clusterId: store.identity.clusterId,
      directoryId: store.identity.directoryId,
      bootstrap: await readBootstrap(dataDir),
      mayHaveLost: !wasClean,
      use(used) {
        metadata = used
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What a clean shutdown leaves, and a start takes away. */
const CLEAN_SHUTDOWN = '.kafka_cleanshutdown'

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** The one directory that log.dirs or log.dir was set to; null when neither was, or to nothing. */
export function dataDirOf(config: Pick<BrokerConfig, 'givenText'>): string | null {
  const name = config.givenText('log.dirs') === undefined ? 'log.dir' : 'log.dirs'
  const directories = (config.givenText(name) ?? '').split(',').map((directory) => directory.trim())
  const named = [...new Set(directories.filter((directory) => directory !== '').map((path) => resolve(path)))]
  const [dataDir, other] = named
  if (other !== undefined) {
    throw new ConfigError(
      `${name} names ${named.length} directories (${named.join(', ')}): everything is kept in one here. Name the one to use; what the others hold is not read`,
    )
  }
  const metadataDir = config.givenText('metadata.log.dir')?.trim() ?? ''
  if (metadataDir !== '' && resolve(metadataDir) !== dataDir) {
    throw new ConfigError(
      `metadata.log.dir is ${metadataDir}, and the other logs are kept in ${dataDir ?? 'memory'}: everything is kept in one place here. Leave it out`,
    )
  }
  return dataDir ?? null
}

/** The node that a directory belongs to, for whoever has not said which one they are; undefined when nobody knows. */
export async function nodeIdOf(dataDir: string): Promise<string | undefined> {
  try {
    const bytes = await readFile(join(dataDir, 'meta.properties'))
    return parseProperties(bytes, 'meta.properties')
      .find(({ key }) => key === 'node.id')
      ?.value.trim()
  } catch {
    // Whoever opens the directory says what is wrong with it.
    return undefined
  }
}

/** Kafka's text form: 16 bytes. */
function checkedClusterId(clusterId: string | undefined): string | undefined {
  if (clusterId === undefined || clusterId === '') return undefined
  const bytes = Buffer.from(clusterId, 'base64url')
  if (/^[\w-]+={0,2}$/.test(clusterId) && bytes.length === 16) return clusterId
  throw new ConfigError(
    `${clusterId} is no cluster id: give 16 bytes as base64url, such as 4L6g3nShT-eMCtK--X86sw`,
  )
}

/**
 * Puts logs out of the way that the metadata know no partition for: of topics that were deleted just before the broker
 * died, or of another directory.
 */
export async function setStrayLogsAside(
  store: LogStore,
  metadata: Metadata,
  logger: Pick<Logger, 'warn' | 'error'>,
): Promise<void> {
  for (const id of await store.list()) {
    const { topic, topicId, partition } = id
    if (
      topic === CLUSTER_METADATA_TOPIC ||
      metadata.topicById(topicId)?.partitions[partition] !== undefined
    ) {
      continue
    }
    const log = `${topic}-${partition} (topic id ${topicId})`
    try {
      const place = await store.setAside(id)
      logger.warn(`the log ${log} is of no partition that the metadata know: it was put aside, at ${place}`)
    } catch (error) {
      logger.error({ err: error }, `the log ${log} is of no partition, and could not be put aside`)
    }
  }
}

/** Without the metadata nobody knows what the logs are of, and a new cluster would put all of them out of the way. */
function checkHasMetadata(logs: readonly LogId[], dataDir: string): void {
  if (logs.length === 0 || logs.some(({ topic }) => topic === CLUSTER_METADATA_TOPIC)) return
  throw new DataDirError(
    `${dataDir} holds ${logs.length} logs and no ${CLUSTER_METADATA_TOPIC}-0: without it nobody knows their topics`,
  )
}

/** What `kafka-storage format` wrote for the first start: features, and credentials of users. */
async function readBootstrap(dataDir: string): Promise<readonly MetadataRecord[] | null> {
  const path = join(dataDir, 'bootstrap.checkpoint')
  const bytes = await readFile(path).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new DataDirError(`${path} cannot be read: ${String(error)}`)
  })
  if (bytes === null) return null
  const content = await decodeCheckpoint(bytes)
  if (content === null) throw new DataDirError(`${path} is not whole: format the directory anew`)
  return content.records
}
