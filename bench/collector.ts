import type { Figure } from './measure.ts'

/** Gathers values that come one by one, round after round, into figures, in the order in which each was first seen. */
export class Collector {
  readonly #figures = new Map<string, Figure & { readonly values: number[] }>()

  add(figure: Omit<Figure, 'values'>, value: number): void {
    const key = JSON.stringify([figure.case, figure.figure, figure.of])
    const known = this.#figures.get(key)
    if (known === undefined) this.#figures.set(key, { ...figure, values: [value] })
    else known.values.push(value)
  }

  all(): readonly Figure[] {
    return [...this.#figures.values()]
  }
}
