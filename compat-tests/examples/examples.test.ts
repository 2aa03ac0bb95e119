/**
 * The examples of test authors, each with packages of its own (.ci/install-tools) and with ottla as npm would pack it:
 * what its exports promise is what they get.
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../tools.ts'

const run = promisify(execFile)
const installed = join(root, '.tools/examples')
const REQUIRED = process.env['OTTLA_REQUIRE_TOOLS'] === '1'

const examples = [
  { name: 'vitest', command: ['vitest', 'run'], passed: /Tests\s+3 passed/ },
  { name: 'jest', command: ['jest', '--ci'], passed: /Tests:\s+4 passed/ },
  { name: 'nestjs', command: ['jest', '--ci'], passed: /Tests:\s+2 passed/ },
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ottla-examples-'))
  await pack()
})
afterAll(() => rm(folder, { recursive: true }))

/** Builds the package and puts it beside the examples, unpacked. */
async function pack(): Promise<void> {
  const source = join(folder, 'source')
  await run(process.execPath, ['scripts/build.js', join(source, 'dist')], { cwd: root })
  for (const file of ['package.json', 'LICENSE', 'NOTICE', 'README.md', 'CHANGELOG.md']) {
    await cp(join(root, file), join(source, file))
  }
  await run('npm', ['pack', '--ignore-scripts', '--offline', '--pack-destination', folder], { cwd: source })
  const packed = readdirSync(folder).find((file) => file.endsWith('.tgz')) ?? ''
  const unpacked = join(folder, 'ottla')
  await mkdir(unpacked)
  await run('tar', ['-xzf', join(folder, packed), '-C', unpacked, '--strip-components', '1'])
}

/** The example in a folder of its own, with its packages beside it. */
async function unfold(name: string): Promise<{ readonly app: string; readonly bin: string }> {
  const home = join(folder, name)
  const app = join(home, 'app')
  await cp(join(root, 'examples', name), app, { recursive: true })
  await symlink(join(installed, name, 'node_modules'), join(home, 'node_modules'))
  const own = join(app, 'node_modules/ottla')
  await cp(join(folder, 'ottla'), own, { recursive: true })
  await mkdir(join(own, 'node_modules'))
  // What it depends on, and nothing else: a second vitest would not be the one that runs.
  for (const dependency of ['pino', 'pino-pretty', 'bl', 'crc-32', '@hpcc-js', '@node-rs']) {
    const path = join(root, 'node_modules', dependency)
    if (existsSync(path)) await symlink(path, join(own, 'node_modules', dependency))
  }
  return { app, bin: join(installed, name, 'node_modules/.bin') }
}

describe.each(examples)('examples/$name', ({ name, command: [program = '', ...args], passed }) => {
  const isThere = existsSync(join(installed, name, 'node_modules/.bin', program))
  const reason = isThere ? '' : ' (skipped: its packages are not installed: run .ci/install-tools)'

  it.runIf(isThere || REQUIRED)(`passes, and its types fit${reason}`, { timeout: 180_000 }, async () => {
    const { app, bin } = await unfold(name)
    const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', FORCE_COLOR: '0', CI: 'true' }
    const { stdout, stderr } = await run(join(bin, program), args, { cwd: app, env })
    expect(stdout + stderr).toMatch(passed)
    expect(stdout + stderr).not.toContain('did not exit')
    await run(join(bin, 'tsc'), ['--noEmit', '-p', '.'], { cwd: app })
  })
})
