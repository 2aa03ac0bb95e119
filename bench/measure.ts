/** What a benchmark consists of: peers that are started, measures that ask them for figures. */

/** A broker that is measured; `ottla-js-crc` is ottla where the optional `@node-rs/crc32` is not installed. */
export type PeerName = 'ottla' | 'ottla-js-crc' | 'kafka' | 'kfake'

export interface PeerOptions {
  readonly storage?: 'memory' | 'disk'
  /** Settings of the broker by Kafka's names; kfake, which has few, passes over them. */
  readonly configs?: Readonly<Record<string, string>>
}

/** Processor time that a process has used so far, all its threads together. */
export interface Processor {
  readonly userMs: number
  readonly systemMs: number
}

export interface Memory {
  readonly residentBytes: number
  /** Of it, what no other process shares. */
  readonly privateBytes: number
}

export interface RunningPeer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly bootstrapServers: string
  readonly port: number
  /** The broker's process. */
  readonly pid: number
  /** From exec to the first answer to a Metadata request; Kafka's formatting of its folder is part of it. */
  readonly startMs: number
  processorMs(): Processor
  memoryBytes(): Memory
}

export interface Peer {
  readonly name: PeerName
  /** Why it cannot run here. */
  readonly missing: string | undefined
  /** What it can keep its logs in: Kafka only on a disk, kfake only in memory. */
  readonly storages: readonly ('memory' | 'disk')[]
  start(options?: PeerOptions): Promise<RunningPeer>
}

/** What else there is while something is measured: so many partitions, connections, groups or segments. */
export interface Beside {
  readonly what: string
  readonly count: number
}

/** One figure of one peer, or of a floor such as an empty Node server: a value per round. */
export interface Figure {
  readonly case: string
  readonly figure: string
  readonly unit: string
  readonly better: 'less' | 'more'
  /** A peer's name, or what the floor is. */
  readonly of: string
  /** Of costs beside few and many of something, which are held against each other. */
  readonly beside?: Beside
  readonly values: readonly number[]
}

export interface MeasureContext {
  readonly peers: readonly Peer[]
  readonly rounds: number
  /** A quick look instead of figures to keep. */
  readonly short: boolean
  progress(line: string): void
}

export interface Missing {
  /** What of a measure it is, where the others can run. */
  readonly part?: string
  readonly reason: string
}

export interface Measure {
  readonly name: string
  readonly title: string
  /** One paragraph: what is measured and how. */
  readonly about: string
  /** Why it cannot run here, or some of it. */
  readonly missing?: Missing | undefined
  run(context: MeasureContext): Promise<readonly Figure[]>
}
