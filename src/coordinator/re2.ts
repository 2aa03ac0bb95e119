/**
 * Regular expressions that clients send, in RE2's syntax: Kafka takes them because matching never goes back, and takes
 * time in proportion to the text, whoever wrote the expression. All states of a machine are followed at once.
 */
import { type CharacterSet, contains, isWord } from './re2-classes.ts'
import { type Assertion, type Node, parseRe2, Re2SyntaxError } from './re2-parser.ts'

export { Re2SyntaxError } from './re2-parser.ts'

/** How large a machine may become. */
const MAX_STATES = 100_000

type State =
  | { readonly kind: 'character'; readonly set: CharacterSet; readonly next: number }
  | { readonly kind: 'assertion'; readonly assertion: Assertion; readonly next: number }
  | { readonly kind: 'split'; readonly nexts: readonly number[] }
  | { readonly kind: 'end' }

export class Re2 {
  readonly #states: readonly State[]
  readonly #start: number

  /** @throws Re2SyntaxError */
  constructor(pattern: string) {
    const builder = new Builder()
    this.#start = builder.build(parseRe2(pattern), builder.add({ kind: 'end' }))
    this.#states = builder.states
  }

  /** Whether all of the text matches. */
  matches(text: string): boolean {
    const characters = Array.from(text, (character) => character.codePointAt(0) ?? 0)
    let current = this.#reach([this.#start], characters, 0)
    for (const [at, character] of characters.entries()) {
      const nexts: number[] = []
      for (const index of current) {
        const state = this.#states[index]
        if (state?.kind === 'character' && contains(state.set, character)) nexts.push(state.next)
      }
      if (nexts.length === 0) return false
      current = this.#reach(nexts, characters, at + 1)
    }
    for (const index of current) if (this.#states[index]?.kind === 'end') return true
    return false
  }

  /** The states that can be reached at this place without taking a character. */
  #reach(from: readonly number[], characters: readonly number[], at: number): ReadonlySet<number> {
    const reached = new Set<number>()
    const waiting = [...from]
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (reached.has(index)) continue
      reached.add(index)
      const state = this.#states[index]
      if (state?.kind === 'split') waiting.push(...state.nexts)
      if (state?.kind === 'assertion' && holds(state.assertion, characters, at)) waiting.push(state.next)
    }
    return reached
  }
}

/** Makes states from the end to the beginning, so that each knows what comes next. */
class Builder {
  readonly states: State[] = []

  add(state: State): number {
    if (this.states.length >= MAX_STATES) throw new Re2SyntaxError('the expression is too large')
    this.states.push(state)
    return this.states.length - 1
  }

  /** @returns the state that `node` begins with and that leads to `next`. */
  build(node: Node, next: number): number {
    switch (node.kind) {
      case 'character':
        return this.add({ kind: 'character', set: node.set, next })
      case 'assertion':
        return this.add({ kind: 'assertion', assertion: node.assertion, next })
      case 'sequence':
        return node.nodes.reduceRight((following, inner) => this.build(inner, following), next)
      case 'choice':
        return this.add({ kind: 'split', nexts: node.nodes.map((inner) => this.build(inner, next)) })
      case 'repetition':
        return this.#repeat(node.node, node.min, node.max, next)
    }
  }

  #repeat(node: Node, min: number, max: number, next: number): number {
    let start = next
    if (Number.isFinite(max)) {
      for (let times = min; times < max; times++) {
        start = this.add({ kind: 'split', nexts: [this.build(node, start), next] })
      }
    } else {
      const nexts = [next]
      start = this.add({ kind: 'split', nexts })
      nexts.push(this.build(node, start))
    }
    for (let times = 0; times < min; times++) start = this.build(node, start)
    return start
  }
}

function holds(assertion: Assertion, characters: readonly number[], at: number): boolean {
  switch (assertion) {
    case 'text begin':
      return at === 0
    case 'text end':
      return at === characters.length
    case 'line begin':
      return at === 0 || characters[at - 1] === LINE_FEED
    case 'line end':
      return at === characters.length || characters[at] === LINE_FEED
    case 'word':
      return isWord(characters[at - 1]) !== isWord(characters[at])
    case 'no word':
      return isWord(characters[at - 1]) === isWord(characters[at])
  }
}

const LINE_FEED = 10
