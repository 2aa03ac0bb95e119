import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const CLI = fileURLToPath(new URL('cli.ts', import.meta.url))
const VERSION = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

interface Running {
  readonly process: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  readonly exitCode: Promise<number | null>
}

const started: Running[] = []

afterEach(() => {
  for (const { process } of started.splice(0)) process.kill('SIGKILL')
})

function ottla(...args: string[]): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...args], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const running: Running = {
    process: child,
    output: () => output,
    errors: () => errors,
    exitCode: once(child, 'close').then(([code]) => code),
  }
  started.push(running)
  return running
}

/** The port in the ready line. */
async function ready(running: Running): Promise<number> {
  for (;;) {
    const [, port] = /is ready: bootstrap servers localhost:(\d+)/.exec(running.output()) ?? []
    if (port !== undefined) return Number(port)
    const { stdout } = running.process
    if (stdout === null) throw new Error('no output')
    await Promise.race([once(stdout, 'data'), running.exitCode.then(() => Promise.reject(running.errors()))])
  }
}

test('it says when it is ready, in JSON where nobody watches, and a signal stops it', async () => {
  const running = ottla('--port', '0', '--topic', 'orders:3', '-c', 'num.partitions=2')
  const port = await ready(running)
  const socket = connect(port, 'localhost')
  await once(socket, 'connect')
  const line = running.output().split('\n')[0] ?? ''
  expect(JSON.parse(line)).toMatchObject({
    level: 30,
    msg: `ottla ${VERSION} is ready: bootstrap servers localhost:${port}`,
  })
  running.process.kill('SIGTERM')
  expect(await running.exitCode).toBe(0)
  expect(running.errors()).toBe('')
  socket.destroy()
})

test('a port in use is said plainly', async () => {
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? String(address.port) : ''
  const running = ottla('--port', port)
  expect(await running.exitCode).toBe(1)
  expect(running.errors()).toMatch(/^ottla: cannot listen on .*: the port is in use\. .* choose another port/)
  expect(running.errors().trim().split('\n')).toHaveLength(1)
  taken.close()
})

test.each([
  [['--help'], 0, 'Usage: ottla [start] [options]', ''],
  [['--version'], 0, VERSION, ''],
  [['--prot', '1'], 2, '', 'ottla: there is no option --prot: did you mean --port?'],
  [['-p', '0', '-c', 'num.partitions=0'], 2, '', 'ottla: Invalid value 0 for configuration num.partitions'],
  [['-p', '0', '-t', 'a b'], 2, '', 'ottla: '],
])('ottla %j exits with %i', async (args, code, output, errors) => {
  const running = ottla(...args)
  expect(await running.exitCode).toBe(code)
  expect(running.output()).toContain(output)
  expect(running.errors()).toContain(errors)
  if (code === 0) expect(running.errors()).toBe('')
  if (code === 2) expect(running.errors()).toContain('Run "ottla --help"')
})
