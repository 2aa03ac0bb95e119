/** What becomes of a request that names the same thing twice. */

/** The values that occur more than once, which Kafka refuses in many requests. */
export function duplicatesAmong<T>(values: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>()
  const duplicates = new Set<T>()
  for (const value of values) {
    if (seen.has(value)) duplicates.add(value)
    else seen.add(value)
  }
  return duplicates
}

/** One item for each key, the last one of those that have it: what is left where Kafka keeps a request in a map. */
export function lastOfEach<T, K>(items: readonly T[], keyOf: (item: T) => K): readonly T[] {
  const byKey = new Map<K, T>()
  for (const item of items) byKey.set(keyOf(item), item)
  return byKey.size === items.length ? items : [...byKey.values()]
}
