/** Hands out producer ids (KIP-98): each is given once in the life of the cluster. */
export class ProducerIds {
  #next = 0n

  next(): bigint {
    return this.#next++
  }
}
