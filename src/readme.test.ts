/** The examples of README.md, run as they are printed, but for the port. */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from './index.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'ottla-readme-'))
const kcat = spawnSync('kcat', ['-V']).error === undefined

let cluster: Cluster
beforeAll(async () => {
  cluster = await startCluster()
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})
afterAll(async () => {
  await cluster.stop()
  rmSync(folder, { recursive: true })
})

/** The one example in this language that holds the text, with the address of the test's own broker. */
function example(language: string, holding: string): string {
  const blocks = readme.matchAll(/```(\w+)\n([\s\S]*?)```/g)
  const found = [...blocks].filter((block) => block[1] === language && block[2]?.includes(holding))
  expect(found).toHaveLength(1)
  return (found[0]?.[2] ?? '').replaceAll('localhost:9092', cluster.bootstrapServers)
}

describe('README.md', () => {
  it('has a kafkajs example that works', async () => {
    writeFileSync(join(folder, 'example.mjs'), example('js', "from 'kafkajs'"))
    const { stdout } = await run(process.execPath, ['example.mjs'], {
      cwd: folder,
      env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1', KAFKAJS_LOG_LEVEL: 'nothing' },
    })
    expect(stdout).toContain('0/0 first\n0/1 second\n')
  })

  it('has an example of a test that works', async () => {
    const library = new URL('index.ts', import.meta.url).href
    const text = example('ts', "from 'ottla'").replace("from 'ottla'", `from ${JSON.stringify(library)}`)
    writeFileSync(join(folder, 'example.mts'), text)
    const { stdout } = await run(process.execPath, ['--import', 'tsx', join(folder, 'example.mts')], {
      cwd: root,
      env: { ...process.env, KAFKAJS_LOG_LEVEL: 'nothing' },
    })
    for (const line of [
      '0n { id: 1 }',
      'orders-0@0 key=a value={"id":1}',
      'orders-0@1 key=null value=just a value',
      '2n',
      'Stable',
      '1',
    ]) {
      expect(stdout.split('\n')).toContain(line)
    }
  })

  it.runIf(kcat || process.env['OTTLA_REQUIRE_TOOLS'] === '1')(
    `has a kcat example that works${kcat ? '' : ' (skipped: kcat is not installed)'}`,
    async () => {
      const { stdout } = await run('sh', ['-ec', example('sh', 'kcat -b')])
      expect(stdout).toBe('0/0 hello=world\n')
    },
  )

  it('lists the options of the program as the program does', async () => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'src/cli.ts', '--help'], { cwd: root })
    const options = stdout.slice(stdout.indexOf('  -p, --port'), stdout.indexOf('\n\nExamples'))
    expect(options).not.toBe('')
    expect(readme).toContain(options)
  })

  it("names ottla's own defaults as they are", async () => {
    const { ottlaDefaults, ottlaImpatientDefaults } = await import('./config/broker-config.ts')
    const section = readme.slice(readme.indexOf('## Configs'), readme.indexOf('## Words'))
    const named = Object.fromEntries(
      [...section.matchAll(/^\| `([\w.]+)` \| (\S+) \|/gm)].map((row) => [row[1], row[2]]),
    )
    expect(named).toEqual({ ...ottlaDefaults, ...ottlaImpatientDefaults })
  })
})
