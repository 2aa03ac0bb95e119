/**
 * The order in which Java's hash tables tell of texts. Clients see it in the list of the metrics that they are asked
 * for, and the id of their subscription is made from it.
 */

/** A table has at least so many places. */
export const MIN_PLACES = 16

/**
 * Different texts, in the order in which they were added, as a table of so many places tells of them.
 * @param places a power of two.
 */
export function javaHashOrder(texts: Iterable<string>, places: number): readonly string[] {
  return Array.from(texts, (text) => ({ text, place: spread(javaHash(text)) & (places - 1) }))
    .sort((a, b) => a.place - b.place)
    .map(({ text }) => text)
}

/** How many places a table has that was made empty and grew to hold `count`. */
export function placesFor(count: number): number {
  let places = MIN_PLACES
  while (count > places * LOAD) places *= 2
  return places
}

const LOAD = 0.75

function javaHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}
