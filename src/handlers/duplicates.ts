/** The values that occur more than once: Kafka refuses a request's parts that name the same thing twice. */
export function duplicatesAmong<T>(values: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>()
  const duplicates = new Set<T>()
  for (const value of values) {
    if (seen.has(value)) duplicates.add(value)
    else seen.add(value)
  }
  return duplicates
}
