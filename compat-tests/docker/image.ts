/** The image of the present sources, on a base that needs no registry. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { root } from '../tools.ts'
import { baseArchive, dockerFolder, dockerRun, dockerTry } from './engine.ts'

/** What the image is made of; see .dockerignore. */
const SOURCES = [
  ...[
    'Dockerfile',
    '.dockerignore',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ],
  ...['docker', 'scripts', 'src'],
]

/** A build that takes longer has been abandoned. */
const MAX_BUILD_MS = 600_000

let image: Promise<string> | undefined

/**
 * Builds the image, unless the present sources have been built already, and gives its name. Takes a minute or two the
 * first time. Only one process builds at a time.
 * @throws Error when it does not build.
 */
export function ensureImage(): Promise<string> {
  image ??= makeImage()
  return image
}

/** The base image: OTTLA_DOCKER_BASE, or the one that .ci/install-tools has prepared. */
export async function ensureBase(): Promise<string> {
  const { OTTLA_DOCKER_BASE } = process.env
  if (OTTLA_DOCKER_BASE !== undefined) return OTTLA_DOCKER_BASE
  const { size, mtimeMs } = statSync(baseArchive)
  const name = `ottla-test-base:${size}-${Math.floor(mtimeMs)}`
  if (await exists(name)) return name
  const environment = [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    // Where a proxy stands between the build and the registry, its certificate is among the machine's.
    'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt',
  ]
  await dockerRun('import', ...environment.flatMap((line) => ['--change', line]), baseArchive, name)
  return name
}

async function makeImage(): Promise<string> {
  const name = `ottla:${sourcesHash()}`
  if (await exists(name)) return name
  return await alone(async () => {
    if (await exists(name)) return name
    const base = await ensureBase()
    await dockerRun('build', '--build-arg', `BASE=${base}`, '--tag', name, '--tag', 'ottla:test', '.')
    // Each build leaves the half gigabyte that it was made in: those that are old are of no use to the next.
    const old = ['--filter', 'label=org.opencontainers.image.title=ottla-build', '--filter', 'until=1h']
    await dockerTry('image', 'prune', '--force', ...old)
    return name
  })
}

async function exists(name: string): Promise<boolean> {
  return (await dockerTry('image', 'inspect', '--format', '{{.Id}}', name)).code === 0
}

/** One process at a time, each waiting for the one before. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const lock = join(dockerFolder, 'build.lock')
  mkdirSync(dockerFolder, { recursive: true })
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
      if (since !== undefined && Date.now() - since > MAX_BUILD_MS) rmSync(lock, { recursive: true })
      await setTimeout(500)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function sourcesHash(): string {
  const hash = createHash('sha256')
  for (const source of SOURCES)
    for (const file of filesIn(source)) hash.update(file).update(readFileSync(join(root, file)))
  return hash.digest('hex').slice(0, 12)
}

function filesIn(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return path.endsWith('.test.ts') ? [] : [path]
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesIn(join(path, name)))
}
