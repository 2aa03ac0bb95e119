/**
 * Writes every generated file: `npm run generate`. With `--check` nothing is written; files that differ from what
 * would be, and files that nothing would write any more, are named, and the exit code is 1 when there are any.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configDefinitions } from './generate/config-definitions.ts'
import { errorCodeFiles } from './generate/error-codes.ts'
import type { GeneratedFile, Producer } from './generate/generated-file.ts'
import { messageFiles } from './generate/messages.ts'

/** Everything that makes files. Another kind of generated file is one more line here. */
const PRODUCERS: readonly Producer[] = [
  {
    files: messageFiles,
    folders: ['src/wire/messages', 'src/wire/coordinator-records', 'src/wire/metadata-records'],
  },
  { files: errorCodeFiles, folders: [] },
  { files: (root) => configDefinitions(join(root, 'protocol')), folders: [] },
]

const root = fileURLToPath(new URL('..', import.meta.url))
const files = PRODUCERS.flatMap((producer) => producer.files(root))
const stale = PRODUCERS.flatMap((producer) => producer.folders.flatMap((folder) => leftovers(folder, files)))
const different = files.filter(({ path, content }) => !hasContent(path, content))

if (process.argv.includes('--check')) {
  for (const { path } of different) console.error(`${path} is not what scripts/generate.ts makes`)
  for (const path of stale) console.error(`${path} is made by nothing any more`)
  if (different.length + stale.length > 0) process.exitCode = 1
} else {
  for (const { path, content } of different) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  for (const path of stale) rmSync(join(root, path))
  console.log(`${files.length} files, ${different.length} written, ${stale.length} removed`)
}

function hasContent(path: string, content: string): boolean {
  return existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === content
}

function leftovers(folder: string, made: readonly GeneratedFile[]): string[] {
  if (!existsSync(join(root, folder))) return []
  const known = new Set(made.map(({ path }) => path))
  return readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}`)
    .filter((path) => !known.has(path))
}
