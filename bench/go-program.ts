/** The programs in Go (bench/go). */
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { goProgram as installed, root } from '../compat-tests/tools.ts'

export interface GoProgram {
  readonly path: string
  /** Why it cannot run here; whoever asks first has it built, if its sources have changed since it was. */
  readonly missing: string | undefined
}

const MODULE = join(root, 'bench/go')

/** @param folder where its sources are, in bench/go. */
export function goProgram(name: string, folder: string): GoProgram {
  const [path] = installed(name).command
  let found: { readonly missing: string | undefined } | undefined
  return {
    path,
    get missing() {
      found ??= { missing: build(path, folder) }
      return found.missing
    },
  }
}

/** Returns why there is none that is of today's sources. */
function build(path: string, folder: string): string | undefined {
  const builtMs = changedMs(path)
  if (!sources(folder).some((source) => changedMs(source) > builtMs)) return undefined
  const { error, status, stderr } = spawnSync('go', ['build', '-o', path, `./${folder}`], {
    cwd: MODULE,
    encoding: 'utf8',
  })
  if (error !== undefined) return `${folder} in bench/go has to be built, and Go is not installed`
  if (status === 0) return undefined
  console.error(stderr)
  return `${folder} in bench/go cannot be built`
}

const changedMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

const sources = (folder: string): readonly string[] => [
  ...['go.mod', 'go.sum'].map((name) => join(MODULE, name)),
  ...readdirSync(join(MODULE, folder)).map((name) => join(MODULE, folder, name)),
]
