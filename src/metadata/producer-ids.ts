/** Hands out producer ids (KIP-98): each is given once in the life of the cluster. */
import type { Controller } from './controller.ts'

/** How many ids a broker takes at once (KIP-730); those that it has left when it stops are never given. */
const BLOCK_SIZE = 1000n

export class ProducerIds {
  readonly #controller: Pick<Controller, 'decide'>
  readonly #brokerId: number
  #next = 0n
  /** The first id that is not this broker's any more. */
  #end = 0n
  #taking: Promise<void> | undefined

  constructor(controller: Pick<Controller, 'decide'>, brokerId: number) {
    this.#controller = controller
    this.#brokerId = brokerId
  }

  /** @throws KafkaError KAFKA_STORAGE_ERROR while the metadata log cannot be written. */
  next(): bigint | Promise<bigint> {
    if (this.#next < this.#end) return this.#next++
    this.#taking ??= this.#take().finally(() => {
      this.#taking = undefined
    })
    return this.#taking.then(() => this.next())
  }

  async #take(): Promise<void> {
    const brokerId = this.#brokerId
    const first = await this.#controller.decide((metadata) => {
      const { nextProducerId: response } = metadata
      const nextProducerId = response + BLOCK_SIZE
      const brokerEpoch = metadata.broker(brokerId)?.epoch ?? -1n
      return {
        records: [{ name: 'ProducerIdsRecord', value: { brokerId, brokerEpoch, nextProducerId } }],
        response,
      }
    })
    this.#next = first
    this.#end = first + BLOCK_SIZE
  }
}
