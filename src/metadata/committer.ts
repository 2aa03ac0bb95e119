/**
 * How decisions become metadata. The controller decides on a state of its own, which holds every record that it has
 * appended. What everybody else sees is `metadata`: it holds a record as soon as the log has it safely.
 */
import { storageError } from '../log/store-queue.ts'
import { Metadata, type MetadataRecord, type Topic } from './metadata.ts'
import { imageRecords } from './metadata-image.ts'
import { type MetadataLog, type MetadataLogOptions, openMetadataLog } from './metadata-log.ts'

export interface CommitterOptions extends MetadataLogOptions {
  /** What is committed; it changes here alone. */
  readonly metadata: Metadata
  /**
   * What is committed when the log has been opened for the first time, before anybody hears of what it held.
   * @param state all that the log held.
   */
  readonly activate?: (state: Metadata) => readonly MetadataRecord[]
  /**
   * Called once for each commit, after the metadata holds it; the commit is done when this is. When the log has been
   * opened for the first time it is called with records that come to all that the metadata holds then.
   * @param deleted the topics that the metadata has no more, as they were.
   */
  readonly onCommit: (records: readonly MetadataRecord[], deleted: readonly Topic[]) => void | Promise<void>
}

export class Committer {
  readonly #options: CommitterOptions
  #log: MetadataLog | undefined
  #state: Metadata
  /** Settles when everything that was appended is committed or has failed; undefined when it is. */
  #pending: Promise<void> | undefined
  /** Settles when everybody has acted on everything that was committed late. */
  #acting: Promise<void> | undefined
  #isActivated = false
  #opening: Promise<void> | undefined

  constructor(options: CommitterOptions) {
    this.#options = options
    this.#state = new Metadata(options.metadata.clusterId)
  }

  /** What decisions are made on, in the same turn of the event loop in which their records are committed. */
  get state(): Metadata {
    return this.#state
  }

  /** The leader epoch of the metadata log; 0 before it is open. */
  get epoch(): number {
    return this.#log?.epoch ?? 0
  }

  /**
   * Opens and replays the log where that has not been done, or where the store has failed since: records that it
   * does not have are forgotten, and those that it has all the same are committed.
   * @returns undefined when it is open, otherwise what settles when it is.
   * @throws KafkaError KAFKA_STORAGE_ERROR, or rejects with it.
   */
  ready(): void | Promise<void> {
    if (this.#opening !== undefined) return this.#opening
    if (this.#log?.offline === false) return
    const opened = this.#log === undefined ? this.#open() : this.#reopen(this.#log)
    if (!(opened instanceof Promise)) return
    this.#opening = opened.finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * Appends the records and applies them to `state`, at once. Only after `ready`.
   * @returns what settles when they are durable, in `metadata`, and everybody has acted on them. Without records, what
   * settles when that holds for all that was appended before: the decision may rest on it.
   * @throws KafkaError KAFKA_STORAGE_ERROR, or rejects with it; nothing has changed then.
   */
  commit(records: readonly MetadataRecord[]): void | Promise<void> {
    if (records.length === 0) return this.#acting
    if (this.#log === undefined) throw storageError(new Error('the metadata log is not open'))
    const durable = this.#log.append(records)
    for (const record of records) this.#state.apply(record)
    if (durable === undefined && this.#pending === undefined) return this.#publish(records)
    return this.#publishLater(records, durable)
  }

  /** Waits for what is in flight and lets go of the store's resources. */
  close(): void | Promise<void> {
    return this.#log?.close()
  }

  /** In the order of the log, though not one only after everybody has acted on the one before. */
  #publishLater(records: readonly MetadataRecord[], durable: undefined | Promise<void>): Promise<void> {
    let acted: void | Promise<void>
    const published = Promise.all([this.#pending, durable]).then(() => {
      acted = this.#publish(records)
    })
    const pending = published.finally(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    pending.catch(() => {})
    const done = published.then(() => acted)
    const acting = Promise.all([this.#acting, done]).then(
      () => undefined,
      (error: unknown) => Promise.reject(error),
    )
    this.#acting = acting
    const forget = (): void => {
      if (this.#acting === acting) this.#acting = undefined
    }
    acting.then(forget, forget)
    return done
  }

  #publish(records: readonly MetadataRecord[], endOffset?: bigint): void | Promise<void> {
    const { metadata, onCommit } = this.#options
    const deleted: Topic[] = []
    for (const record of records) {
      const topic = record.name === 'RemoveTopicRecord' ? metadata.topicById(record.value.topicId) : undefined
      if (topic !== undefined) deleted.push(topic)
      metadata.apply(record)
    }
    if (endOffset !== undefined) metadata.advanceTo(endOffset)
    this.#log?.committed(metadata)
    return onCommit(records, deleted)
  }

  /** What the store failed at may have reached it or not: only the log itself knows. */
  async #reopen(failed: MetadataLog): Promise<void> {
    await this.#pending?.catch(() => {})
    try {
      await failed.close()
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'the metadata log that failed could not be closed')
    }
    await this.#open()
    this.#options.logger.warn(`the metadata log was opened anew after a failure, at ${this.#state.endOffset}`)
  }

  #open(): void | Promise<void> {
    const { metadata } = this.#options
    const state = new Metadata(metadata.clusterId)
    const missed: MetadataRecord[] = []
    const opened = openMetadataLog(this.#options, (records, endOffset) => {
      // A snapshot of a cluster that has only been formatted ends where the log begins.
      const isNews = !this.#isActivated || endOffset > metadata.endOffset
      if (isNews) for (const record of records) missed.push(record)
      for (const record of records) state.apply(record)
      state.advanceTo(endOffset)
    })
    const adopt = (log: MetadataLog): void | Promise<void> => {
      if (state.endOffset < metadata.endOffset) {
        const reason = `it ends at ${state.endOffset}, where ${metadata.endOffset} were committed`
        throw storageError(new Error(`the metadata log has lost records: ${reason}`))
      }
      this.#log = log
      this.#state = state
      if (!this.#isActivated) return this.#activate(log, missed)
      if (state.endOffset > metadata.endOffset) return this.#publish(missed, state.endOffset)
    }
    return opened instanceof Promise ? opened.then(adopt) : adopt(opened)
  }

  /** Whoever follows hears of the metadata as they are, not of how they have become so. */
  #activate(log: MetadataLog, found: readonly MetadataRecord[]): void | Promise<void> {
    const { metadata, activate, onCommit } = this.#options
    for (const record of found) metadata.apply(record)
    metadata.advanceTo(this.#state.endOffset)
    const records = activate?.(this.#state) ?? []
    const durable = records.length === 0 ? undefined : log.append(records)
    for (const record of records) this.#state.apply(record)
    const act = (): void | Promise<void> => {
      this.#isActivated = true
      for (const record of records) metadata.apply(record)
      const image = [...imageRecords(metadata)]
      return image.length === 0 ? undefined : onCommit(image, [])
    }
    return durable instanceof Promise ? durable.then(act) : act()
  }
}
