/** What clients have asked a broker for, and been answered, in the order in which that happened. */

/** What was asked for. A log is named `<topic>/<generation>-<partition>`: a topic made anew is another one. */
export type Deed =
  /** The topic is to be so from then on; null partitions: it is to be gone. */
  | {
      readonly kind: 'topic'
      readonly topic: string
      readonly partitions: number | null
      readonly configs: Readonly<Record<string, string>>
    }
  /** One batch. @property values texts, or `key=text` where the log is compacted */
  | {
      readonly kind: 'append'
      readonly log: string
      readonly values: readonly string[]
      readonly transaction: number | null
    }
  | {
      readonly kind: 'offset'
      readonly group: string
      readonly offset: bigint
      readonly transaction: number | null
    }
  | { readonly kind: 'end'; readonly transaction: number; readonly commit: boolean }
  | { readonly kind: 'delete'; readonly log: string; readonly offset: bigint }
  | { readonly kind: 'producer' }
  /** A clean stop of the broker. */
  | { readonly kind: 'stop' }

export type Noted<D extends Deed = Deed> = D & {
  readonly askedAt: number
  /** Infinity until there is an answer. */
  readonly answeredAt: number
  /** A base offset, a producer id. */
  readonly answer: bigint | null
}

type OfKind<K extends Deed['kind']> = Noted<Extract<Deed, { kind: K }>>

export class Ledger {
  /** Rises with each question and each answer. */
  now = 0
  readonly #deeds: { -readonly [K in keyof Noted]: Noted[K] }[] = []

  /** Notes a question, asks it, and notes the answer unless asking fails. */
  async ask<T>(deed: Deed, act: () => Promise<T>): Promise<T> {
    const noted = {
      ...deed,
      askedAt: this.now++,
      answeredAt: Number.POSITIVE_INFINITY,
      answer: null as bigint | null,
    }
    this.#deeds.push(noted)
    const answer = await act()
    if (typeof answer === 'bigint') noted.answer = answer
    noted.answeredAt = this.now++
    return answer
  }

  /** What had been asked by then. */
  upTo(time: number): History {
    return new History(this.#deeds.filter(({ askedAt }) => askedAt < time) as Noted[], time)
  }
}

/** A state that a topic may be in; each time that it is made it is of another generation. */
export interface TopicState {
  readonly partitions: number | null
  readonly configs: Readonly<Record<string, string>>
  readonly generation: number
}

/** What had been asked and answered at one time. */
export class History {
  readonly #deeds: readonly Noted[]
  readonly #time: number

  constructor(deeds: readonly Noted[], time: number) {
    this.#deeds = deeds
    this.#time = time
  }

  of<K extends Deed['kind']>(kind: K): OfKind<K>[] {
    return this.#deeds.filter((deed) => deed.kind === kind) as OfKind<K>[]
  }

  isAnswered(deed: Noted): boolean {
    return deed.answeredAt < this.#time
  }

  /** The time of the last clean stop: all that was answered before it is safe, whatever is flushed. */
  get stoppedAt(): number {
    return Math.max(
      -1,
      ...this.of('stop')
        .filter((stop) => this.isAnswered(stop))
        .map(({ askedAt }) => askedAt),
    )
  }

  topics(): readonly string[] {
    return [...new Set(this.of('topic').map(({ topic }) => topic))]
  }

  /** The states that a topic may be in: the one that was answered last, and what has been asked for since. */
  topicStates(name: string): readonly TopicState[] {
    let states: TopicState[] = [{ partitions: null, configs: {}, generation: 0 }]
    for (const deed of this.of('topic').filter(({ topic }) => topic === name)) {
      const { partitions, configs } = deed
      const before = states.at(-1) as TopicState
      const isNew = before.partitions === null && partitions !== null
      const next = { partitions, configs, generation: before.generation + (isNew ? 1 : 0) }
      states = this.isAnswered(deed) ? [next] : [...states, next]
    }
    return states
  }

  appends(log: string): OfKind<'append'>[] {
    return this.of('append').filter((deed) => deed.log === log)
  }
}
