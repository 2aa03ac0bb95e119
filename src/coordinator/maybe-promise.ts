/** Values that are usually there at once. */

/** Goes on with a value in the same turn where it is there, and when it comes where it is not. */
export function after<T, R>(value: T | Promise<T>, then: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(then) : then(value)
}

/** The values, in the same turn where all of them are there. */
export function all<T>(values: readonly (T | Promise<T>)[]): readonly T[] | Promise<readonly T[]> {
  return values.every((value) => !(value instanceof Promise)) ? (values as readonly T[]) : Promise.all(values)
}
