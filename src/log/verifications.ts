/**
 * Transactions whose coordinator is being asked whether they are going on (KIP-890, part 1). The answer may come when
 * the transaction has ended in this log, or another one begun: the guard tells whether it still counts.
 */

/** Stands for one question. It is spent with the first batch that it lets pass, or with a marker. */
export interface VerificationGuard {
  readonly producerId: bigint
}

interface Verification {
  readonly guard: VerificationGuard
  readonly startedMs: number
  /** Whether the producer uses transactions V2, in which an epoch belongs to one transaction. */
  readonly supportsEpochBump: boolean
  epoch: number
  /** Of the batches that asked: a higher one must not overtake a lower one that has to be sent again. */
  lowestSequence: number
}

/** By producer id. */
export class Verifications {
  #verifications: Map<bigint, Verification> | null = null

  /** Further batches that ask meanwhile share the guard. */
  start(
    producerId: bigint,
    epoch: number,
    sequence: number,
    supportsEpochBump: boolean,
    nowMs: number,
  ): VerificationGuard {
    this.#verifications ??= new Map()
    let verification = this.#verifications.get(producerId)
    if (verification === undefined) {
      const guard = { producerId }
      verification = { guard, startedMs: nowMs, supportsEpochBump, epoch, lowestSequence: sequence }
      this.#verifications.set(producerId, verification)
    }
    if (
      epoch > verification.epoch ||
      (epoch === verification.epoch && sequence < verification.lowestSequence)
    ) {
      verification.epoch = epoch
      verification.lowestSequence = sequence
    }
    return verification.guard
  }

  find(producerId: bigint): Verification | undefined {
    return this.#verifications?.get(producerId)
  }

  clear(producerId: bigint): void {
    this.#verifications?.delete(producerId)
  }

  /** Forgets questions that have been asked `expirationMs` or longer ago. */
  expire(nowMs: number, expirationMs: number): void {
    if (this.#verifications === null) return
    for (const [producerId, { startedMs }] of this.#verifications) {
      if (nowMs - startedMs >= expirationMs) this.#verifications.delete(producerId)
    }
  }
}
