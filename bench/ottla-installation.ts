/** ottla as it is installed: built, in a folder of its own, with the packages that it depends on. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../compat-tests/tools.ts'
import { runProgram, temporaryFolder } from './processes.ts'

export interface Installation {
  /** Where package.json, dist/ and node_modules/ are. */
  readonly folder: string
  /** The program's file, for `node`. */
  readonly program: string
}

/** Whether the optional dependencies, @node-rs/crc32, are installed too. */
export type InstallationKind = 'complete' | 'without optional dependencies'

let dist: Promise<string> | undefined
const installations = new Map<InstallationKind, Promise<Installation>>()

/** Takes a build that is there already, in place of one of the sources as they are now. */
export function useBuild(folder: string): void {
  dist = Promise.resolve(folder)
}

/** Installs ottla once for all that ask; it goes when this process ends. */
export function ottlaInstallation(kind: InstallationKind): Promise<Installation> {
  const known = installations.get(kind)
  if (known !== undefined) return known
  const made = install(kind)
  installations.set(kind, made)
  return made
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

async function install(kind: InstallationKind): Promise<Installation> {
  dist ??= build()
  const built = await dist
  const { path: folder } = temporaryFolder()
  cpSync(built, join(folder, 'dist'), { recursive: true })
  const manifest = readFileSync(join(root, 'package.json'), 'utf8')
  writeFileSync(join(folder, 'package.json'), manifest)
  const { dependencies, optionalDependencies } = JSON.parse(manifest) as Manifest
  const optional = kind === 'complete' ? Object.keys(optionalDependencies) : []
  for (const name of [...Object.keys(dependencies), ...optional]) {
    const place = join(folder, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), place)
  }
  return { folder, program: join(folder, 'dist/cli.cjs') }
}

/** Not in dist/ of the checkout, which may be in use. */
async function build(): Promise<string> {
  const folder = join(temporaryFolder().path, 'dist')
  await runProgram(process.execPath, [join(root, 'scripts/build.js'), folder], { cwd: root })
  return folder
}
