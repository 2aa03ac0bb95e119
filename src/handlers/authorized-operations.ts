/** Sets of operations (KIP-430) as the bits of an int32: bit n stands for the operation with the code n. */

/** What is answered where nobody asked. */
export const NOT_ASKED = -2147483648

/** All that can be done to a topic: read, write, create, delete, alter, describe, and its configs. */
export const TOPIC_OPERATIONS: number = bits(3, 4, 5, 6, 7, 8, 10, 11)
/** All that can be done to the cluster. */
export const CLUSTER_OPERATIONS: number = bits(5, 7, 8, 9, 10, 11, 12)

function bits(...operations: number[]): number {
  return operations.reduce((set, operation) => set | (1 << operation), 0)
}
