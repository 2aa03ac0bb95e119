/** The small pieces of data that lie beside a log: its leader epochs and its start. */
import type { StoredLog } from '../storage/log-store.ts'
import type { EpochEntry } from './leader-epochs.ts'

/** The version of the leader epochs' format: Kafka's own checkpoint, a text of version, count, and a line for each. */
const EPOCHS_VERSION = 0

export function writeEpochs(stored: StoredLog, entries: readonly EpochEntry[]): void | Promise<void> {
  const lines = entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`)
  const text = `${EPOCHS_VERSION}\n${entries.length}\n${lines.join('')}`
  return stored.sidecar('leader-epochs').replace(Buffer.from(text))
}

/** Bytes that are no such text count as none: the epochs are won back from the batches. */
export function readEpochs(stored: StoredLog): readonly EpochEntry[] | Promise<readonly EpochEntry[]> {
  const bytes = stored.sidecar('leader-epochs').read()
  return bytes instanceof Promise ? bytes.then(parseEpochs) : parseEpochs(bytes)
}

export function writeLogStart(stored: StoredLog, startOffset: bigint): void | Promise<void> {
  return stored.sidecar('log-start').replace(Buffer.from(`${startOffset}\n`))
}

/** 0 where none was written. */
export function readLogStart(stored: StoredLog): bigint | Promise<bigint> {
  const bytes = stored.sidecar('log-start').read()
  return bytes instanceof Promise ? bytes.then(parseLogStart) : parseLogStart(bytes)
}

function parseEpochs(bytes: Buffer | null): readonly EpochEntry[] {
  if (bytes === null) return []
  const [version, count, ...lines] = bytes.toString().trimEnd().split('\n')
  if (version !== String(EPOCHS_VERSION) || count !== String(lines.length)) return []
  const entries = lines.map((line) => /^(\d+) (\d+)$/.exec(line))
  return entries.flatMap((match) =>
    match === null ? [] : [{ epoch: Number(match[1]), startOffset: BigInt(match[2] ?? 0) }],
  )
}

function parseLogStart(bytes: Buffer | null): bigint {
  const text = bytes?.toString().trim() ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : 0n
}
