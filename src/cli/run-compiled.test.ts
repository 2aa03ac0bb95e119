import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'

const run = promisify(execFile)

let folder: string

/** As long as a program that is still there when its code is kept, and one whose functions are compiled late. */
const PROGRAM = `const answer = () => require('node:path').basename(__filename)
process.stdout.write(answer() + require('node:os').EOL)
setTimeout(() => {}, Number(process.argv[2]))`

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-compiled-'))
  writeFileSync(join(folder, 'program.cjs'), PROGRAM)
  await build({
    entryPoints: [join(import.meta.dirname, 'run-compiled.ts')],
    outfile: join(folder, 'cli.cjs'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    define: { PROGRAM: '"program.cjs"', 'import.meta.url': 'moduleUrl' },
    banner: { js: `const moduleUrl = require('node:url').pathToFileURL(__filename).href` },
  })
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

async function start(forMs: number): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [join(folder, 'cli.cjs'), String(forMs)])
  expect(stderr).toBe('')
  return stdout
}

const kept = (): string[] => readdirSync(folder).filter((name) => name.includes('.cache'))
const keptFile = (): string => join(folder, kept()[0] ?? '')

test('code that was compiled is kept by a program that runs on, and taken by the next', async () => {
  expect(await start(0)).toBe('program.cjs\n')
  expect(kept()).toEqual([])
  expect(await start(1000)).toBe('program.cjs\n')
  expect(kept()).toEqual([`program.cjs.${process.version}-${process.arch}.cache`])
  const { mtimeMs } = statSync(keptFile())
  expect(await start(1000)).toBe('program.cjs\n')
  expect(statSync(keptFile()).mtimeMs).toBe(mtimeMs)
})

test('code that V8 does not take is compiled and kept anew', async () => {
  await start(1000)
  const whole = readFileSync(keptFile())
  writeFileSync(keptFile(), whole.subarray(0, whole.length / 2))
  expect(await start(1000)).toBe('program.cjs\n')
  expect(statSync(keptFile()).size).toBeGreaterThan(whole.length / 2)
})
