/** Kills a broker under load with SIGKILL, again and again, at random moments, and tells what its clients were told. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/clock.ts'
import { type BrokerCommand, freePort, takesConnections } from '../broker-process.ts'
import { killProcess } from '../kill-process.ts'
import type { Event } from './history.ts'

export interface CrashOptions {
  /** Starts the broker on a port with its data in a directory: the same program each time. */
  readonly broker: (port: number, dataDir: string) => BrokerCommand
  /** The program that is built from main.go. */
  readonly load: string
  readonly seed: number
  readonly kills: number
  /** How long the clients may take for each thing that is left to do when nobody is killed any more. */
  readonly patienceS: number
  /** Told of each kill, for whoever waits. */
  readonly onKill?: (count: number) => void
}

const MIN_LIFE_MS = 50
const MAX_LIFE_MS = 2000
/** Clients that have not ended by then never will. */
const PATIENCE_FACTOR = 3

export async function runCrashes(options: CrashOptions): Promise<readonly Event[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'ottla-crash-'))
  const port = await freePort()
  const start = (): ChildProcess => {
    const [program, ...args] = options.broker(port, dataDir)
    return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  let broker = start()
  const clients = startClients(options, port)
  try {
    await clients.ready
    for (const [count, life] of lives(options.seed, options.kills).entries()) {
      if (life.fromReady) await answers(port)
      await sleep(life.ms)
      await killProcess(broker)
      broker = start()
      options.onKill?.(count + 1)
    }
    clients.finish()
    await Promise.race([
      clients.ended,
      sleep(options.patienceS * 1000 * PATIENCE_FACTOR, undefined, { ref: false }),
    ])
    return clients.history
  } finally {
    clients.kill()
    await killProcess(broker)
    rmSync(dataDir, { recursive: true, force: true })
  }
}

interface Life {
  readonly ms: number
  /** Whether it begins when the port answers; otherwise when the program is started. */
  readonly fromReady: boolean
}

/** How long the broker lives each time: short lives are likelier than long ones, and some end before they are one. */
function lives(seed: number, kills: number): Life[] {
  const random = seededRandom(seed)
  return Array.from({ length: kills }, () => {
    const share = random.bytes(2).readUInt16BE() / 65_536
    const ms = Math.round(MIN_LIFE_MS + share * share * (MAX_LIFE_MS - MIN_LIFE_MS))
    return { ms, fromReady: random.bytes(1).readUInt8() >= 64 }
  })
}

/** Resolves when the port takes connections, or when it has not for long. */
async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 1000 && !(await takesConnections(port)); tries++) await sleep(20)
}

interface Clients {
  readonly ready: Promise<void>
  readonly ended: Promise<void>
  readonly history: readonly Event[]
  finish(): void
  kill(): void
}

function startClients({ load, seed, patienceS }: CrashOptions, port: number): Clients {
  const child = spawn(load, [`127.0.0.1:${port}`, String(seed), String(patienceS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const history: Event[] = []
  const lines = createInterface(child.stdout)
  const ready = new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      const event = JSON.parse(line) as Event
      history.push(event)
      if (event.at === 'ready') resolve()
    })
    child.on('error', reject)
    child.on('exit', () => reject(new Error('the clients ended before they had begun')))
  })
  return {
    ready,
    ended: once(child, 'close').then(() => undefined),
    history,
    finish: () => child.stdin.end(),
    kill: () => child.kill('SIGKILL'),
  }
}
