/**
 * Appends to `out`, from `at` on, `bytes` bytes of what stands `distance` before it: that may reach into what is
 * being appended, which then repeats itself. The caller has checked that both ends lie within `out`.
 * @returns where it ends.
 */
export function repeat(out: Buffer, at: number, distance: number, bytes: number): number {
  const end = at + bytes
  if (bytes > 32) {
    if (distance === 1) {
      out.fill(out[at - 1] as number, at, end)
      return end
    }
    if (distance >= bytes) {
      out.copyWithin(at, at - distance, at - distance + bytes)
      return end
    }
  }
  for (let to = at, from = at - distance; to < end; ) out[to++] = out[from++] as number
  return end
}
