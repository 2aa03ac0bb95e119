/**
 * The order in which Java's hash tables tell of what is in them. Kafka's answers show it in places: which protocol wins
 * a tied vote, how described groups are arranged, which metrics a client is asked for (and the id of that subscription).
 */

const MIN_PLACES = 16
const LOAD = 0.75

/** `String.hashCode()` of Java: over UTF-16 units, in 32 bits, signed. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}

/** How many places a table has that was made empty and grew to hold `count`. */
export function placesFor(count: number): number {
  let places = MIN_PLACES
  while (count > places * LOAD) places *= 2
  return places
}

/**
 * `keys`, each once, in the order in which a HashMap with these hash codes gives them back that they were `put` into
 * one after the other.
 * @param places how many the table has, a power of two; by default as many as it grew to for the keys.
 */
export function javaHashMapOrder<K>(keys: Iterable<K>, hashCode: (key: K) => number, places?: number): K[] {
  const distinct = [...new Set(keys)]
  const mask = (places ?? placesFor(distinct.length)) - 1
  const placed = distinct.map((key) => {
    const hash = hashCode(key)
    return { key, place: (hash ^ (hash >>> 16)) & mask }
  })
  return placed.sort((left, right) => left.place - right.place).map(({ key }) => key)
}
