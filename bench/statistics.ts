/** The middle of `values`, of an even number of them the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** A number as people read it: three digits that count, and all before the decimal point. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: digits })
}

/** The median and, of more than one value, the least and the most. */
export function withSpread(values: readonly number[]): string {
  const middle = readable(median(values))
  if (values.length < 2) return middle
  return `${middle} (${readable(Math.min(...values))}–${readable(Math.max(...values))})`
}
