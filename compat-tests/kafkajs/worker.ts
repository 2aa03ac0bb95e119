/**
 * A consumer in a process of its own, so that a test can kill it with SIGKILL: no leave, no last commit.
 * Tells each step on stdout, a JSON object per line: `joined`, `committed`, `processed`, and `holding` when it has
 * reached message `holdAt`, which it then holds in its hands for ever.
 *
 * Usage: worker.ts '{"bootstrapServers":…,"topic":…,"groupId":…,"order":…,"holdAt":…}'
 */
import { kafkaClient, startReader } from './client.ts'

export interface WorkerOptions {
  readonly bootstrapServers: string
  readonly topic: string
  readonly groupId: string
  /**
   * `process, then commit`: at least once; commits after every fourth message.
   * `commit, then process`: at most once; commits each message before it is touched.
   */
  readonly order: 'process, then commit' | 'commit, then process'
  /** The offset at which the worker stops moving, or null for none. */
  readonly holdAt: number | null
}

export type WorkerEvent =
  | { readonly event: 'joined'; readonly partitions: readonly number[] }
  | { readonly event: 'committed'; readonly partition: number; readonly offset: number }
  | {
      readonly event: 'processed' | 'holding'
      readonly partition: number
      readonly offset: number
      readonly value: string | null
    }

const COMMIT_EVERY = 4

const options = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions
const { topic, groupId } = options
const tell = (event: WorkerEvent): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

// Whoever started it holds the other end of its stdin: it does not outlive them.
process.stdin.on('end', () => process.exit(1)).resume()

await startReader(kafkaClient(options.bootstrapServers, 'kafkajs-worker'), {
  topic,
  groupId,
  onJoin: (partitions) => tell({ event: 'joined', partitions }),
  onMessage: async ({ partition, message }, consumer) => {
    const offset = Number(message.offset)
    const value = message.value?.toString() ?? null
    const commit = async (): Promise<void> => {
      await consumer.commitOffsets([{ topic, partition, offset: String(offset + 1) }])
      tell({ event: 'committed', partition, offset: offset + 1 })
    }
    if (options.order === 'commit, then process') await commit()
    if (offset === options.holdAt) {
      tell({ event: 'holding', partition, offset, value })
      await new Promise(() => {})
    }
    tell({ event: 'processed', partition, offset, value })
    if (options.order === 'process, then commit' && (offset + 1) % COMMIT_EVERY === 0) await commit()
  },
})
