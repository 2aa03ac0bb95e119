/** Reads RE2's expressions as the library does that Kafka uses: Perl's syntax but for what cannot be matched in linear time. */
import { type CharacterSet, characterSet, namedClass, single, unicodeClass } from './re2-classes.ts'

export type Assertion = 'text begin' | 'text end' | 'line begin' | 'line end' | 'word' | 'no word'

export type Node =
  | { readonly kind: 'character'; readonly set: CharacterSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'choice'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repetition'; readonly node: Node; readonly min: number; readonly max: number }

/** What is wrong with an expression. */
export class Re2SyntaxError extends Error {}

/** How often a repetition within others may be written out. */
const MAX_REPETITIONS = 1000
/** How deep groups may lie in each other. */
const MAX_DEPTH = 500

interface Flags {
  readonly foldsCase: boolean
  readonly multiLine: boolean
  readonly dotAll: boolean
}

const LINE_FEED = 10
const EVERYTHING = characterSet({ negated: true })
const BUT_LINE_FEED = characterSet({ ranges: [{ low: LINE_FEED, high: LINE_FEED }], negated: true })

/** @throws Re2SyntaxError */
export function parseRe2(pattern: string): Node {
  const parser = new Parser(pattern)
  const node = parser.choice({ foldsCase: false, multiLine: false, dotAll: false }, 0)
  if (!parser.atEnd) throw new Re2SyntaxError('a parenthesis is closed that was not opened')
  return node
}

class Parser {
  readonly #characters: readonly string[]
  readonly #names = new Set<string>()
  #at = 0

  constructor(pattern: string) {
    this.#characters = [...pattern]
  }

  get atEnd(): boolean {
    return this.#at >= this.#characters.length
  }

  /** Alternatives, up to a parenthesis that closes their group. */
  choice(flags: Flags, depth: number): Node {
    if (depth > MAX_DEPTH) throw new Re2SyntaxError('groups lie too deep in each other')
    const nodes: Node[] = []
    let sequence: Node[] = []
    let current = flags
    while (!this.atEnd && this.#peek() !== ')') {
      if (this.#takes('|')) {
        nodes.push(sequenceOf(sequence))
        sequence = []
      } else if (this.#startsWith('(?')) {
        const changed = this.#specialGroup(current, depth, sequence)
        if (changed !== null) current = changed
      } else this.#term(current, depth, sequence)
    }
    nodes.push(sequenceOf(sequence))
    return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'choice', nodes }
  }

  #term(flags: Flags, depth: number, sequence: Node[]): void {
    sequence.push(...this.#atom(flags, depth))
    this.#repeatLast(sequence)
  }

  /** A repetition is one of what stands last, though flags or an empty quotation may come between. */
  #repeatLast(sequence: Node[]): void {
    const last = sequence.pop()
    if (last !== undefined) sequence.push(this.#repeated(last))
    else if (this.#repetition() !== null) throw new Re2SyntaxError('there is nothing to be repeated')
  }

  /** One thing that may be repeated; behind `\Q` several, of which the last may be. */
  #atom(flags: Flags, depth: number): Node[] {
    const character = this.#next()
    switch (character) {
      case '(':
        return [this.#group(flags, depth)]
      case '^':
        return [{ kind: 'assertion', assertion: flags.multiLine ? 'line begin' : 'text begin' }]
      case '$':
        return [{ kind: 'assertion', assertion: flags.multiLine ? 'line end' : 'text end' }]
      case '.':
        return [{ kind: 'character', set: flags.dotAll ? EVERYTHING : BUT_LINE_FEED }]
      case '[':
        return [{ kind: 'character', set: this.#brackets(flags) }]
      case '*':
      case '+':
      case '?':
        throw new Re2SyntaxError(`there is nothing before ${character} to be repeated`)
      case '\\':
        return this.#backslash(flags)
      default:
        if (character === '{') this.#checkBrace()
        return [literal(character, flags)]
    }
  }

  #repeated(node: Node): Node {
    const counts = this.#repetition()
    if (counts === null) return node
    this.#takes('?')
    if (this.#repetition() !== null) throw new Re2SyntaxError('a repetition is repeated')
    const repeated: Node = { kind: 'repetition', node, ...counts }
    if (writtenOut(repeated) > MAX_REPETITIONS) throw new Re2SyntaxError('a repetition counts too far')
    return repeated
  }

  #repetition(): { readonly min: number; readonly max: number } | null {
    if (this.#takes('*')) return { min: 0, max: Number.POSITIVE_INFINITY }
    if (this.#takes('+')) return { min: 1, max: Number.POSITIVE_INFINITY }
    if (this.#takes('?')) return { min: 0, max: 1 }
    return this.#counts()
  }

  /** `{3}`, `{3,}`, `{3,5}`; any other brace stands for itself. */
  #counts(): { readonly min: number; readonly max: number } | null {
    if (this.#peek() !== '{') return null
    const rest = this.#characters.slice(this.#at, this.#at + 24).join('')
    const [text, from = '', range, to = ''] = /^\{(\d+)(,(\d*))?\}/.exec(rest) ?? []
    if (text === undefined || /^0\d/.test(from) || /^0\d/.test(to)) return null
    const min = Number(from)
    const max = range === undefined ? min : to === '' ? Number.POSITIVE_INFINITY : Number(to)
    if (min > MAX_REPETITIONS || (Number.isFinite(max) && (max > MAX_REPETITIONS || max < min))) {
      throw new Re2SyntaxError(`the repetition ${text} cannot be`)
    }
    this.#at += text.length
    return { min, max }
  }

  /** A brace that counts nothing stands for itself, but like a repetition it is not to be repeated. */
  #checkBrace(): void {
    this.#at--
    if (this.#counts() !== null) throw new Re2SyntaxError('there is nothing before { to be repeated')
    this.#at++
    const from = this.#at
    if (this.#repetition() !== null) throw new Re2SyntaxError('a repetition is repeated')
    this.#at = from
  }

  #group(flags: Flags, depth: number): Node {
    const node = this.choice(flags, depth + 1)
    if (!this.#takes(')')) throw new Re2SyntaxError('a parenthesis is not closed')
    return node
  }

  /** `(?i)`, which changes the flags of what follows, or a group with flags or a name. */
  #specialGroup(flags: Flags, depth: number, sequence: Node[]): Flags | null {
    const rest = this.#characters.slice(this.#at, this.#at + 300).join('')
    const named = /^\(\?P?<(\w+)>/.exec(rest)
    if (named !== null) {
      const [text, name = ''] = named
      if (this.#names.has(name)) throw new Re2SyntaxError(`two groups are named ${name}`)
      this.#names.add(name)
      this.#at += text.length
      sequence.push(this.#repeated(this.#group(flags, depth)))
      return null
    }
    const [text, on = '', , off, end] = /^\(\?([imsU]*)(-([imsU]+))?([:)])/.exec(rest) ?? []
    if (text === undefined) throw new Re2SyntaxError(`no group begins with ${rest.slice(0, 4)}`)
    this.#at += [...text].length
    const changed = withFlags(flags, on, off ?? '')
    if (end === ')') {
      this.#repeatLast(sequence)
      return changed
    }
    sequence.push(this.#repeated(this.#group(changed, depth)))
    return null
  }

  #backslash(flags: Flags): Node[] {
    const letter = this.#peek()
    const assertion = ASSERTIONS.get(letter ?? '')
    if (assertion !== undefined) {
      this.#at++
      return [{ kind: 'assertion', assertion }]
    }
    if (letter === 'Q') {
      this.#at++
      const nodes: Node[] = []
      while (!this.atEnd && !this.#startsWith('\\E')) nodes.push(literal(this.#next(), flags))
      this.#at += 2
      return nodes
    }
    const set = this.#classEscape() ?? single(this.#escape(), flags.foldsCase)
    return [{ kind: 'character', set: { ...set, foldsCase: flags.foldsCase } }]
  }

  /** `\d`, `\PL` and the like, behind the backslash; undefined for what is no class. */
  #classEscape(): CharacterSet | undefined {
    const letter = this.#peek() ?? ''
    if (/^[dswDSW]$/.test(letter)) {
      this.#at++
      return namedClass(letter.toLowerCase(), letter !== letter.toLowerCase())
    }
    if (letter !== 'p' && letter !== 'P') return undefined
    this.#at++
    let name = this.#next()
    if (name === '{') {
      const end = this.#characters.indexOf('}', this.#at)
      if (end < 0) throw new Re2SyntaxError(`the name of a class is not closed behind \\${letter}`)
      name = this.#characters.slice(this.#at, end).join('')
      this.#at = end + 1
    }
    const negates = name.startsWith('^')
    const found = unicodeClass(negates ? name.slice(1) : name, negates !== (letter === 'P'))
    if (found === undefined) throw new Re2SyntaxError(`there is no class \\${letter}{${name}}`)
    return found
  }

  /** The character that an escape stands for. */
  #escape(): number {
    const letter = this.#next()
    const control = CONTROLS.get(letter)
    if (control !== undefined) return control
    if (/^[0-7]$/.test(letter)) return this.#octal(letter)
    if (letter === 'x') return this.#hexadecimal()
    const codePoint = letter.codePointAt(0) ?? 0
    if (!/^[0-9A-Za-z]$/.test(letter)) return codePoint
    throw new Re2SyntaxError(`there is no escape \\${letter}`)
  }

  /** One digit that is not 0 would be a reference to a group. */
  #octal(first: string): number {
    if (first !== '0' && !/^[0-7]$/.test(this.#peek() ?? '')) {
      throw new Re2SyntaxError(`groups cannot be referred to: \\${first}`)
    }
    let digits = first
    while (digits.length < 3 && /^[0-7]$/.test(this.#peek() ?? '')) digits += this.#next()
    return Number.parseInt(digits, 8)
  }

  #hexadecimal(): number {
    let digits = ''
    if (this.#takes('{')) {
      while (!this.atEnd && this.#peek() !== '}') digits += this.#next()
      this.#next()
    } else digits = this.#next() + this.#next()
    const codePoint = Number.parseInt(digits, 16)
    if (!/^[0-9A-Fa-f]{1,8}$/.test(digits) || codePoint > 0x10ffff) {
      throw new Re2SyntaxError(`\\x${digits} is no character`)
    }
    return codePoint
  }

  #brackets({ foldsCase }: Flags): CharacterSet {
    const negated = this.#takes('^')
    const ranges: { low: number; high: number }[] = []
    const parts: CharacterSet[] = []
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      if (this.atEnd) throw new Re2SyntaxError('a bracket is not closed')
      const part = this.#classWithin()
      if (part === undefined) ranges.push(this.#range())
      else parts.push(part)
    }
    this.#at++
    return characterSet({ ranges, parts, negated, foldsCase })
  }

  #classWithin(): CharacterSet | undefined {
    if (this.#startsWith('[:')) {
      const end = this.#characters.findIndex(
        (character, at) => at > this.#at && character === ':' && this.#characters[at + 1] === ']',
      )
      if (end < 0) return undefined
      const name = this.#characters.slice(this.#at + 2, end).join('')
      const negates = name.startsWith('^')
      const word = negates ? name.slice(1) : name
      const found = word.length > 1 ? namedClass(word, negates) : undefined
      if (found === undefined) throw new Re2SyntaxError(`there is no class [:${name}:]`)
      this.#at = end + 2
      return found
    }
    if (this.#peek() !== '\\') return undefined
    this.#at++
    const found = this.#classEscape()
    if (found === undefined) this.#at--
    return found
  }

  #range(): { low: number; high: number } {
    const low = this.#member()
    const isRange = this.#peek() === '-' && this.#characters[this.#at + 1] !== ']'
    if (!isRange || this.#at + 1 >= this.#characters.length) return { low, high: low }
    this.#at++
    const high = this.#member()
    if (high < low) throw new Re2SyntaxError('a range goes backwards')
    return { low, high }
  }

  #member(): number {
    return this.#takes('\\') ? this.#escape() : (this.#next().codePointAt(0) ?? 0)
  }

  #peek(): string | undefined {
    return this.#characters[this.#at]
  }

  #next(): string {
    const character = this.#characters[this.#at++]
    if (character === undefined) throw new Re2SyntaxError('it ends too soon')
    return character
  }

  #takes(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }

  #startsWith(text: string): boolean {
    return this.#characters[this.#at] === text[0] && this.#characters[this.#at + 1] === text[1]
  }
}

const ASSERTIONS: ReadonlyMap<string, Assertion> = new Map([
  ['A', 'text begin'],
  ['z', 'text end'],
  ['b', 'word'],
  ['B', 'no word'],
])

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
])

function literal(character: string, { foldsCase }: Flags): Node {
  return { kind: 'character', set: single(character.codePointAt(0) ?? 0, foldsCase) }
}

function sequenceOf(nodes: readonly Node[]): Node {
  return nodes.length === 1 ? (nodes[0] as Node) : { kind: 'sequence', nodes }
}

function withFlags(flags: Flags, on: string, off: string): Flags {
  const changed = (letter: string, before: boolean): boolean =>
    off.includes(letter) ? false : on.includes(letter) || before
  return {
    foldsCase: changed('i', flags.foldsCase),
    multiLine: changed('m', flags.multiLine),
    dotAll: changed('s', flags.dotAll),
  }
}

/** How often the innermost part of nested counted repetitions comes to be written out. */
function writtenOut(node: Node): number {
  switch (node.kind) {
    case 'repetition': {
      const { min, max } = node
      const counts = Number.isFinite(max) ? max : min
      return Math.max(counts, 1) * writtenOut(node.node)
    }
    case 'sequence':
    case 'choice':
      return node.nodes.reduce((most, inner) => Math.max(most, writtenOut(inner)), 1)
    default:
      return 1
  }
}
