/** What a run of the word count came to, and whether every word was counted exactly once. */

export interface Outcome {
  /** The lines whose sending was acknowledged, by their keys. */
  readonly acknowledged: readonly string[]
  /** What stands in the input topic: a line may be there twice, since its producer is no idempotent one. */
  readonly input: readonly { readonly key: string; readonly line: string }[]
  /** What a reader of committed records finds in the output topic: a word and its new count, in order for each word. */
  readonly output: readonly { readonly word: string; readonly count: string }[]
}

/** Each thing that is wrong, in a sentence. */
export function violations({ acknowledged, input, output }: Outcome): string[] {
  const wrong: string[] = []
  const keys = new Set(input.map(({ key }) => key))
  for (const key of acknowledged) {
    if (!keys.has(key)) wrong.push(`line ${key} was acknowledged and is not there`)
  }
  const expected = new Map<string, number>()
  for (const word of input.flatMap(({ line }) => line.split(' '))) {
    expected.set(word, (expected.get(word) ?? 0) + 1)
  }
  const counts = new Map<string, number[]>()
  for (const { word, count } of output) counts.set(word, (counts.get(word) ?? []).concat(Number(count)))
  for (const word of new Set([...expected.keys(), ...counts.keys()])) {
    const found = counts.get(word) ?? []
    const at = found.findIndex((count, index) => count !== index + 1)
    if (at >= 0) wrong.push(`${word}: ${found.slice(Math.max(0, at - 2), at + 3)} where ${at + 1} was due`)
    const last = found.at(-1) ?? 0
    if (last !== expected.get(word)) wrong.push(`${word}: counted ${last}, not ${expected.get(word) ?? 0}`)
  }
  return wrong
}
