/** The groups of one partition of `__consumer_offsets`: its log, what the log says, and what is going on beside it. */
import type { Clock, Timer } from '../clock.ts'
import { CommitQueue } from '../coordinator/commit-queue.ts'
import {
  type CoordinatorLog,
  type EndMarker,
  isRefusal,
  type TransactionalProducer,
  type VerifiedProducer,
} from '../coordinator/coordinator-log.ts'
import type { TransactionMarker } from '../log/transaction-marker.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { KafkaError } from '../wire/kafka-error.ts'
import { coordinatorError, joinError, syncError } from './answers.ts'
import type { Arrivals } from './arrivals.ts'
import { ClassicGroup } from './classic-group.ts'
import { DurableState } from './durable-state.ts'
import type { GroupServices } from './group-services.ts'
import { encodeRecord, type GroupRecord } from './records.ts'

/**
 * What a request or a timer leads to. Deciding changes no durable state: that happens when the records are applied.
 */
export interface Decision {
  readonly records: readonly GroupRecord[]
  /** Whose transaction the records belong to. */
  readonly producer?: VerifiedProducer
  /** Whether it does no harm when some of the records are written and others are not: they may need several batches. */
  readonly divisible?: boolean
  /** Called when the records are committed; not when that fails, since then the shard is done for. */
  readonly committed?: () => void
  /**
   * Called when the log refuses the records, which then are as if they had never been: takes back what was changed
   * beside them, and tells what follows. Without it whoever asked for the decision gets the error.
   */
  readonly refused?: (error: KafkaError) => Decision
}

/** A decision that is answered when what it builds on is committed, its own records included. */
export interface AnsweredDecision<R> extends Decision {
  readonly response: R
}

export const NO_RECORDS: Decision = { records: [] }

export class GroupShard {
  readonly state: DurableState = new DurableState()
  /** Every group of the latest state, and none that is not in it but for those about to be recorded. */
  readonly groups: Map<string, ClassicGroup> = new Map()
  readonly services: GroupServices
  readonly arrivals: Arrivals
  readonly #log: CoordinatorLog
  readonly #queue: CommitQueue
  /** What is due at once, that is, when the records of the decision being made have gone to the log. */
  readonly #due: (() => void)[] = []

  /** @param onFailure called once, after everything was answered, when the log has failed. */
  constructor(
    services: GroupServices,
    log: CoordinatorLog,
    arrivals: Arrivals,
    onFailure: (error: unknown) => void,
  ) {
    this.services = services
    this.arrivals = arrivals
    this.#log = log
    this.#queue = new CommitQueue((error, cause) => {
      this.#dissolveAll(error)
      onFailure(cause)
    })
  }

  get nowMs(): number {
    return this.services.clock.now()
  }

  /** Makes a decision and sees its records into the log. @throws KafkaError when the log is known to have failed. */
  perform(decide: () => Decision): void {
    this.#append(decide())
    this.#fireDue()
  }

  /**
   * Makes a decision and answers when its records are committed, or, where it has none, when all earlier ones are:
   * nobody is told anything that a crash could take back.
   * @throws KafkaError when the records cannot be committed, or not in time.
   */
  answer<R>(decide: () => AnsweredDecision<R>): R | Promise<R> {
    const decision = decide()
    this.#append(decision)
    this.#fireDue()
    const wait = this.#whenCommitted()
    return wait === undefined ? decision.response : wait.then(() => decision.response)
  }

  /**
   * Writes the marker that ends a transaction, and makes the offsets visible that the transaction has committed, or
   * drops them; returns when that is committed. One of a transaction without offsets here is written all the same.
   * @throws KafkaError as `answer`, and INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED where the log refuses.
   */
  completeTransaction(marker: TransactionMarker): void | Promise<void> {
    this.#queue.append({
      write: () => this.#log.appendMarker(marker),
      apply: (view) => this.state.endTransaction(view, marker.producerId, marker.commit),
    })
    return this.#whenCommitted()
  }

  /** The group in the latest state, or a new one that the caller's records are going to create. */
  groupOrNew(groupId: string): ClassicGroup {
    const known = this.groups.get(groupId)
    if (known !== undefined) return known
    const group = new ClassicGroup(groupId, this.nowMs)
    this.groups.set(groupId, group)
    return group
  }

  /** Forgets a group that was about to be recorded, and is not going to be. */
  forget(group: ClassicGroup, error: KafkaError): void {
    this.#dissolve(group, coordinatorError(error))
    this.groups.delete(group.groupId)
  }

  /** Has `decide` called in `delayMs`, in place of what was to be called under that name. */
  schedule(
    group: ClassicGroup,
    name: string,
    delayMs: number,
    decide: () => Decision,
    clock: Clock = this.services.clock,
  ): void {
    this.#arm(group, name, decide, (fire) => clock.schedule(delayMs, fire))
  }

  /** The same without a delay: when the records of the decision being made have gone to the log. */
  scheduleNext(group: ClassicGroup, name: string, decide: () => Decision): void {
    this.#arm(group, name, decide, (fire) => {
      this.#due.push(fire)
      return { cancel: () => {} }
    })
  }

  cancel(group: ClassicGroup, name: string): void {
    group.timers.get(name)?.cancel()
    group.timers.delete(name)
  }

  /** Applies a record that the log already has. */
  replay(record: GroupRecord, producer: TransactionalProducer | null): void {
    this.state.apply('latest', record, producer?.producerId)
    this.state.apply('committed', record, producer?.producerId)
  }

  /** Applies a marker that the log already has. */
  replayMarker({ producerId, commit }: EndMarker): void {
    this.state.endTransaction('latest', producerId, commit)
    this.state.endTransaction('committed', producerId, commit)
  }

  /** Brings the groups of the replayed state to life. */
  open(): void {
    for (const [groupId, record] of this.state.groups('latest')) {
      this.groups.set(groupId, ClassicGroup.fromRecord(groupId, record))
    }
  }

  /** Answers everybody who waits with `error`; nothing happens in this shard any more. */
  close(error: KafkaError): void {
    if (this.#queue.closed !== null) return
    this.#queue.close(error)
    this.#dissolveAll(error)
  }

  #dissolveAll(error: KafkaError): void {
    for (const group of this.groups.values()) this.#dissolve(group, coordinatorError(error))
    this.groups.clear()
    this.#due.length = 0
  }

  #append(decision: Decision): void {
    const { records } = decision
    if (records.length === 0) {
      if (this.#queue.closed !== null) throw this.#queue.closed
      decision.committed?.()
      return
    }
    try {
      this.#enqueue(decision)
    } catch (error) {
      if (!isRefusal(error)) throw error
      if (decision.divisible && records.length > 1) this.#appendHalves(decision)
      else if (decision.refused === undefined) throw error
      else this.#append(decision.refused(error))
    }
  }

  #appendHalves({ committed, ...decision }: Decision): void {
    const middle = decision.records.length >> 1
    this.#append({ ...decision, records: decision.records.slice(0, middle) })
    this.#append({ ...decision, records: decision.records.slice(middle), ...(committed && { committed }) })
  }

  #enqueue({ records, producer, committed }: Decision): void {
    this.#queue.append({
      write: () => this.#log.append(records.map(encodeRecord), producer),
      apply: (view) => {
        for (const record of records) {
          if (view === 'latest') this.#applyLatest(record, producer)
          else this.state.apply('committed', record, producer?.producerId)
        }
      },
      committed,
    })
  }

  #whenCommitted(): undefined | Promise<void> {
    const { clock, config } = this.services
    return this.#queue.whenCommitted(clock, config.offsetsCommitTimeoutMs)
  }

  #applyLatest(record: GroupRecord, producer: TransactionalProducer | undefined): void {
    this.state.apply('latest', record, producer?.producerId)
    const groupId = record.key.group
    if (record.kind === 'group' && record.value === null) {
      const group = this.groups.get(groupId)
      if (group !== undefined) this.#dissolve(group, ErrorCode.UNKNOWN_MEMBER_ID)
      this.groups.delete(groupId)
    } else if (record.value !== null) {
      this.groupOrNew(groupId)
    }
  }

  #dissolve(group: ClassicGroup, code: ErrorCode): void {
    for (const timer of group.timers.values()) timer.cancel()
    group.timers.clear()
    for (const member of group.members) {
      group.completeJoin(member, joinError(code, member.memberId))
      group.completeSync(member, syncError(code))
    }
  }

  #arm(group: ClassicGroup, name: string, decide: () => Decision, start: (fire: () => void) => Timer): void {
    this.cancel(group, name)
    const timer = start(() => {
      if (group.timers.get(name) !== timer) return
      group.timers.delete(name)
      this.#performDue(decide, `${name} of group ${group.groupId}`)
    })
    group.timers.set(name, timer)
  }

  /** Nobody waits for what a timer leads to, so nobody but the log of the program can be told that it failed. */
  #performDue(decide: () => Decision, what: string): void {
    if (this.#queue.closed !== null) return
    try {
      this.perform(decide)
    } catch (error) {
      this.services.logger.error({ err: error }, `${what} failed`)
    }
  }

  #fireDue(): void {
    for (let fire = this.#due.shift(); fire !== undefined; fire = this.#due.shift()) fire()
  }
}
