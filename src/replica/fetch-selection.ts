/** The partitions that one fetch, or one fetch session, is about: where each is read from, and which have news. */
import { KafkaError } from '../wire/kafka-error.ts'
import type { FetchPosition, Partition, PartitionWatcher } from './partition.ts'

/** What a fetch says about one partition. */
export interface FetchTarget {
  /** Null where the client names the topic by its id, until the id has been found to be a topic's. */
  readonly topic: string | null
  /** The zero id where the client names the topic by its name. */
  readonly topicId: string
  readonly index: number
  readonly position: FetchPosition
}

/** How a partition is found, or why not: each time anew, since it may be deleted or made while a session lives. */
export type FindPartition = (target: FetchTarget) => Partition | KafkaError

/** A waiting fetch, as the partitions that it waits for see it. */
export interface FetchWaiter {
  /**
   * @param bytes how many more can be read now; 0 when something else changed that the client must hear of.
   * @param committedBytes how many more at most where only committed records are.
   */
  selectedChanged(selected: SelectedPartition, bytes: number, committedBytes: number): void
}

/** A partition of a selection. */
export class SelectedPartition implements PartitionWatcher {
  /** When it is served, relative to the others: the lowest first. */
  turn = 0
  /** What the client was told last, in a session: only changes are told again. -1 where nothing was. */
  toldHighWatermark = -1n
  toldLogStartOffset = -1n
  readonly #selection: FetchSelection
  #target: FetchTarget
  #watched: Partition | undefined
  #removed = false

  constructor(selection: FetchSelection, target: FetchTarget) {
    this.#selection = selection
    this.#target = target
  }

  get target(): FetchTarget {
    return this.#target
  }

  /** Moves the position. What the topic was found to be called stays: Kafka looks the name up from then on. */
  move(target: FetchTarget): void {
    this.#target = { ...target, topic: target.topic ?? this.#target.topic }
  }

  /** The partition as it is now, or why there is none. Where the selection listens, this is the one listened to. */
  find(): Partition | KafkaError {
    const found = this.#selection.findPartition(this.#target)
    if (this.#selection.listening && found !== this.#watched) this.#follow(found)
    if (found instanceof KafkaError) return found
    if (this.#target.topic === null) this.#target = { ...this.#target, topic: found.topic }
    return found
  }

  watch(): void {
    this.#follow(this.#selection.findPartition(this.#target))
  }

  unwatch(): void {
    this.#watched?.unwatch(this)
    this.#watched = undefined
  }

  /** No longer part of the selection: a fetch that still reads it must not make it listen again. */
  remove(): void {
    this.#removed = true
    this.unwatch()
  }

  partitionChanged(bytes: number, committedBytes: number): void {
    // An idle session must not keep the log of a deleted topic alive.
    if (this.#watched?.deleted) this.#watched = undefined
    this.#selection.changed(this, bytes, committedBytes)
  }

  #follow(found: Partition | KafkaError): void {
    this.unwatch()
    if (found instanceof KafkaError || this.#removed) return
    this.#watched = found
    found.watch(this)
  }
}

export class FetchSelection {
  readonly findPartition: FindPartition
  readonly #partitions = new Map<string, SelectedPartition>()
  /** Those that a next look may find something at. */
  readonly #news = new Set<SelectedPartition>()
  #turns = 0
  /** How many want to hear of changes: the session, and each fetch that waits. */
  #listeners = 0
  #waiter: FetchWaiter | null = null

  constructor(findPartition: FindPartition, targets: Iterable<FetchTarget>) {
    this.findPartition = findPartition
    for (const target of targets) this.put(target)
  }

  /** Whether changes of the partitions are heard of. */
  get listening(): boolean {
    return this.#listeners > 0
  }

  get size(): number {
    return this.#partitions.size
  }

  /** Partitions that may have news, in the order in which they are to be served. */
  news(): readonly SelectedPartition[] {
    return [...this.#news].sort((one, other) => one.turn - other.turn)
  }

  /** Adds a partition, or moves the position of one that is there. */
  put(target: FetchTarget): void {
    const key = keyOf(target.topic, target.topicId, target.index)
    let selected = this.#partitions.get(key)
    if (selected === undefined) {
      selected = new SelectedPartition(this, target)
      selected.turn = this.#turns++
      this.#partitions.set(key, selected)
      if (this.listening) selected.watch()
    } else {
      selected.move(target)
    }
    this.#news.add(selected)
  }

  remove(topic: string | null, topicId: string, index: number): void {
    const key = keyOf(topic, topicId, index)
    const selected = this.#partitions.get(key)
    if (selected === undefined) return
    selected.remove()
    this.#partitions.delete(key)
    this.#news.delete(selected)
  }

  /** Nothing is left to say about the partition until it changes. */
  settled(selected: SelectedPartition): void {
    this.#news.delete(selected)
  }

  /** The partition gave something: it goes behind the others, so that all get their turn. */
  served(selected: SelectedPartition): void {
    selected.turn = this.#turns++
  }

  /** Hears of changes from now on, until `release` has been called as often. */
  listen(): void {
    if (this.#listeners++ > 0) return
    for (const selected of this.#partitions.values()) selected.watch()
  }

  release(): void {
    if (--this.#listeners > 0) return
    for (const selected of this.#partitions.values()) selected.unwatch()
  }

  /**
   * Lets the waiter know of changes, until what is returned is called, once. Of several fetches that wait in one
   * session only the last one hears: the others carry an epoch that is over.
   */
  wait(waiter: FetchWaiter): () => void {
    this.listen()
    this.#waiter = waiter
    return () => {
      if (this.#waiter === waiter) this.#waiter = null
      this.release()
    }
  }

  changed(selected: SelectedPartition, bytes: number, committedBytes: number): void {
    this.#news.add(selected)
    this.#waiter?.selectedChanged(selected, bytes, committedBytes)
  }
}

function keyOf(topic: string | null, topicId: string, index: number): string {
  return `${topic ?? ''}/${topicId}/${index}`
}
