/** Where the last of the segments stands that begins at or below `offset`; -1 where all begin above it. */
export function lastSegmentFrom(
  segments: readonly { readonly baseOffset: bigint }[],
  offset: bigint,
): number {
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const segment = segments[middle]
    if (segment !== undefined && segment.baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return low - 1
}
