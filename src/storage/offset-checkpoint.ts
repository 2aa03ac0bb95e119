/** Kafka's checkpoint files: one offset for each of many partitions, as a text. */
import { type Disk, replaceFile } from './disk.ts'

const VERSION = 0
const LINE = /^(\S+) (\d+) (\d+)$/

export const RECOVERY_POINTS = 'recovery-point-offset-checkpoint'
export const LOG_STARTS = 'log-start-offset-checkpoint'
export const CLEANER_OFFSETS = 'cleaner-offset-checkpoint'

/** Offsets by the names of the logs' directories. */
export type Offsets = ReadonlyMap<string, bigint>

/** @throws Error that says what is wrong with the text, cut off or not. */
export function parseOffsets(bytes: Buffer): Offsets {
  const text = bytes.toString()
  if (text === '') return new Map()
  if (!text.endsWith('\n')) throw new Error('its last line is cut off')
  const [version, count, ...lines] = text.slice(0, -1).split('\n')
  if (version !== String(VERSION)) throw new Error(`its version is ${version}, not ${VERSION}`)
  if (count !== String(lines.length)) throw new Error(`it has ${lines.length} entries, and says ${count}`)
  return new Map(
    lines.map((line) => {
      const match = LINE.exec(line)
      if (match === null)
        throw new Error(`line ${JSON.stringify(line)} is none of topic, partition and offset`)
      return [`${match[1]}-${match[2]}`, BigInt(match[3] as string)]
    }),
  )
}

export interface CheckpointEntry {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** One such file, which is written as a whole; who asks while it is being written shares the next write. */
export class OffsetCheckpoint {
  readonly #disk: Disk
  readonly #directory: string
  readonly #name: string
  readonly #entries: () => Iterable<CheckpointEntry>
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  constructor(disk: Disk, directory: string, name: string, entries: () => Iterable<CheckpointEntry>) {
    this.#disk = disk
    this.#directory = directory
    this.#name = name
    this.#entries = entries
  }

  /** Settles when the entries as they are now, or later ones, are written and would survive a loss of power. */
  write(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = null
      return this.#write()
    })
    this.#last = this.#next.catch(() => {})
    return this.#next
  }

  #write(): Promise<void> {
    const lines = Array.from(
      this.#entries(),
      ({ topic, partition, offset }) => `${topic} ${partition} ${offset}\n`,
    )
    const text = `${VERSION}\n${lines.length}\n${lines.join('')}`
    return replaceFile(this.#disk, this.#directory, this.#name, Buffer.from(text))
  }
}
