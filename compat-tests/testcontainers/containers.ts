/**
 * What the tests of testcontainers' modules share: the image under names that the modules accept, and their programs,
 * which start containers of it by themselves.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { beforeAll } from 'vitest'
import { docker, dockerRun } from '../docker/engine.ts'
import { ensureImage } from '../docker/image.ts'
import { describeWith, root, type Tool } from '../tools.ts'

export interface Images {
  /** With the tag of this package's version. */
  readonly image: string
  /** With a tag that stands for a version of Confluent's: modules refuse their modes for KRaft below 7.0.0. */
  readonly kraftImage: string
}

const BUILD_MS = 600_000
const PROGRAM_MS = 100_000

/** `describe` for tests that need an engine and `tool`, which may be left out. */
export function describeWithContainers(
  title: string,
  tool: Tool | undefined,
  body: (images: () => Images) => void,
): void {
  const withImages = (): void => {
    let images: Images | undefined
    beforeAll(async () => {
      images = await tagged(await ensureImage())
    }, BUILD_MS)
    body(() => {
      if (images === undefined) throw new Error('the image is not there yet')
      return images
    })
  }
  describeWith(tool?.missing === undefined ? docker : tool, title, withImages)
}

/** No helper image can be pulled, and the engine publishes ports on this machine even if it is a container itself. */
export const CONTAINER_SETTINGS: Readonly<Record<string, string>> = {
  TESTCONTAINERS_RYUK_DISABLED: 'true',
  TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
}

export interface ProgramOptions {
  readonly images: Images
  /** Where it runs. */
  readonly folder: string
  /** More of its environment. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Runs a program that starts containers, and gives what it printed. @throws Error with that when it fails. */
export async function runProgram(
  [program, ...prefix]: Tool['command'],
  args: readonly string[],
  { images, folder, settings = {} }: ProgramOptions,
): Promise<string> {
  const { image, kraftImage } = images
  const child = spawn(program, [...prefix, ...args], {
    cwd: folder,
    env: {
      ...process.env,
      ...CONTAINER_SETTINGS,
      OTTLA_IMAGE: image,
      OTTLA_KRAFT_IMAGE: kraftImage,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PROGRAM_MS,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw new Error(`${basename(program)} ended with ${signal ?? code}:\n${output}`)
  return output
}

/** Names of this checkout's own, which say nothing of a registry. */
async function tagged(built: string): Promise<Images> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const repository = built.replace(':', '-')
  const images = { image: `${repository}:${version}`, kraftImage: `${repository}:8.0.0` }
  for (const name of Object.values(images)) await dockerRun('tag', built, name)
  return images
}
