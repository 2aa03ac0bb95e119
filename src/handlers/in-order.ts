/** Waiting for several answers, where most of the time there is nothing to wait for. */

/** The values in their order: at once when none of them is a promise. */
export function allInOrder<T>(values: readonly (T | Promise<T>)[]): readonly T[] | Promise<readonly T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as readonly T[])
}
