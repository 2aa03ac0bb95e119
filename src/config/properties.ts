/** Java's .properties files, such as Kafka's server.properties. */
import { ConfigError } from './config-error.ts'

/** One entry of a file. */
export interface Property {
  readonly key: string
  readonly value: string
  /** Where it begins, counted from 1. */
  readonly line: number
}

/**
 * The entries of a .properties file in their order, duplicates included. Java reads such files as ISO-8859-1; what is
 * valid UTF-8 is read as that, since that is what editors write.
 * @param file its name, for messages.
 * @throws ConfigError that names file, line and key of what is malformed.
 */
export function parseProperties(bytes: Uint8Array, file: string): readonly Property[] {
  const text = decode(bytes)
  if (text.includes('\0')) throw new ConfigError(`${file} is no text: it holds null characters`)
  const properties: Property[] = []
  for (const { content, line } of logicalLines(text)) {
    const [rawKey, rawValue] = divide(content)
    const where = `${file}:${line}`
    const key = unescaped(rawKey, `${where}: in the key ${rawKey}`)
    if (key === '') throw new ConfigError(`${where}: there is no key before the value ${show(rawValue)}`)
    properties.push({ key, value: unescaped(rawValue, `${where}: in the value of ${key}`), line })
  }
  return properties
}

interface LogicalLine {
  readonly content: string
  readonly line: number
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  }
}

/** Lines without comments and blank ones; those that end in a backslash are joined with the next. */
function* logicalLines(text: string): Iterable<LogicalLine> {
  const lines = text.split(/\r\n|\n|\r/)
  for (let index = 0; index < lines.length; index++) {
    let content = trimStart(lines[index] ?? '')
    if (content === '' || isComment(content)) continue
    const line = index + 1
    const parts: string[] = []
    while (isContinued(content)) {
      parts.push(content.slice(0, -1))
      index++
      content = trimStart(lines[index] ?? '')
      // Where nothing has been said yet, Java still takes it for a comment.
      if (isComment(content) && parts.every((part) => part === '')) content = ''
    }
    parts.push(content)
    const joined = parts.join('')
    if (joined !== '') yield { content: joined, line }
  }
}

function isComment(line: string): boolean {
  return line.startsWith('#') || line.startsWith('!')
}

/** Whether an odd number of backslashes stands at the end: in pairs they are backslashes of the value. */
function isContinued(line: string): boolean {
  let backslashes = 0
  while (line.charCodeAt(line.length - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

const BACKSLASH = 0x5c

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\f'
}

function trimStart(line: string): string {
  let start = 0
  while (isSpace(line[start])) start++
  return line.slice(start)
}

/** The key ends at the first `=`, `:` or space that no backslash escapes; one `=` or `:` may have spaces around it. */
function divide(line: string): readonly [key: string, value: string] {
  let end = 0
  while (end < line.length && !isSpace(line[end]) && line[end] !== '=' && line[end] !== ':') {
    end += line[end] === '\\' ? 2 : 1
  }
  end = Math.min(end, line.length)
  let start = end
  while (isSpace(line[start])) start++
  if (line[start] === '=' || line[start] === ':') start++
  while (isSpace(line[start])) start++
  return [line.slice(0, end), line.slice(start)]
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

/** @param what the part of which line, for messages. */
function unescaped(text: string, what: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u([0-9a-fA-F]{4})?|.?)/gs, (_escape, letter: string, hex: string | undefined) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    if (letter === 'u') throw new ConfigError(`${what}, \\u is not followed by four hexadecimal digits`)
    return ESCAPES[letter] ?? letter
  })
}

function show(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
