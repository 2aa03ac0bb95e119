/** How long it takes until a broker is there. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Collector } from './collector.ts'
import { EMPTY_SERVER, startEmptyServer } from './empty-server.ts'
import type { Figure, Measure, MeasureContext } from './measure.ts'
import { ottlaInstallation } from './ottla-installation.ts'
import { distinctPeers } from './peer-runners.ts'
import { runProgram } from './processes.ts'
import { median } from './statistics.ts'

/** A start is short and easily disturbed: each round has several of all that start fast. */
const STARTS_PER_ROUND = 5
const CLUSTERS = 20
/** What keeps compiled code for the next start does so after the start. */
const KEEPING_MS = 2_000

export const start: Measure = {
  name: 'start',
  title: 'Start',
  about: `The program: from exec to the first answer to a Metadata request; Apache Kafka's formatting of its folder is part
of it, as it is part of every start of a broker for a test. The empty Node server echoes: from exec to the first byte that
comes back. Everything has been started once before, so that ottla finds the code that V8 compiled then; "nothing kept"
is a start without it, as the first one after an installation. In a test's process: a fresh Node process imports the library
(\`import { startCluster } from 'ottla'\`, and by \`require\`), starts a cluster, stops it, and does the same ${CLUSTERS} times
more; of these the median of one process counts.`,
  run,
}

async function run(context: MeasureContext): Promise<readonly Figure[]> {
  const figures = new Collector()
  await warm(context)
  for (let round = 0; round < context.rounds; round++) {
    await programs(context, figures)
    await withNothingKept(context, figures)
    await inProcess(context, figures, 'import')
    await inProcess(context, figures, 'require')
  }
  return figures.all()
}

/** The files are in memory then, and what keeps compiled code has kept it. */
async function warm({ peers }: MeasureContext): Promise<void> {
  await using _server = await startEmptyServer()
  for (const { peer } of distinctPeers(peers)) {
    await using _peer = await peer.start()
    await pause(KEEPING_MS)
  }
}

/** The code that was compiled is gone, and kept anew by this start. */
async function withNothingKept({ peers, progress }: MeasureContext, figures: Collector): Promise<void> {
  const ottla = peers.find(({ name }) => name === 'ottla')
  if (ottla === undefined) return
  const dist = join((await ottlaInstallation('complete')).folder, 'dist')
  for (const name of readdirSync(dist)) if (name.endsWith('.cache')) rmSync(join(dist, name))
  await using running = await ottla.start()
  const figure = { case: 'the program, nothing kept', figure: 'exec to first answer', unit: 'ms' } as const
  figures.add({ ...figure, better: 'less', of: 'ottla' }, running.startMs)
  progress(`ottla, nothing kept: ${running.startMs.toFixed(0)} ms`)
  await pause(KEEPING_MS)
}

async function programs(context: MeasureContext, figures: Collector): Promise<void> {
  const { short, progress } = context
  const note = (of: string, startMs: number): void => {
    figures.add(
      { case: 'the program', figure: 'exec to first answer', unit: 'ms', better: 'less', of },
      startMs,
    )
    progress(`${of}: ${startMs.toFixed(0)} ms`)
  }
  const peers = distinctPeers(context.peers)
  for (let i = 0; i < (short ? 1 : STARTS_PER_ROUND); i++) {
    for (const { of, peer } of peers) {
      // It takes seconds, and one more or less changes nothing.
      if (of === 'kafka' && i > 0) continue
      await using running = await peer.start()
      note(of, running.startMs)
    }
    await using server = await startEmptyServer()
    note(EMPTY_SERVER, server.startMs)
  }
}

interface InProcess {
  readonly loadMs: number
  readonly firstStartMs: number
  readonly startsMs: readonly number[]
  readonly stopsMs: readonly number[]
}

async function inProcess(
  { peers, short, progress }: MeasureContext,
  figures: Collector,
  way: 'import' | 'require',
): Promise<void> {
  if (!peers.some(({ name }) => name === 'ottla')) return
  const { folder } = await ottlaInstallation('complete')
  const add = (figure: string, value: number): void =>
    figures.add(
      { case: `in a test's process, by ${way}`, figure, unit: 'ms', better: 'less', of: 'ottla' },
      value,
    )
  for (let i = 0; i < (short ? 1 : STARTS_PER_ROUND); i++) {
    const { loadMs, firstStartMs, startsMs, stopsMs } = await startsIn(folder, way)
    add('load the library', loadMs)
    add('first startCluster()', firstStartMs)
    add('each further startCluster()', median(startsMs))
    add('stop()', median(stopsMs))
    progress(
      `${way}: loaded in ${loadMs.toFixed(1)}, started in ${firstStartMs.toFixed(1)}, again in ${median(startsMs).toFixed(2)} ms`,
    )
  }
}

async function startsIn(folder: string, way: 'import' | 'require'): Promise<InProcess> {
  const file = join(folder, 'dist', way === 'import' ? 'index.js' : 'cjs/index.js')
  const program = join(import.meta.dirname, 'start/in-process.js')
  return JSON.parse(await runProgram(process.execPath, [program, way, file, `${CLUSTERS}`])) as InProcess
}
