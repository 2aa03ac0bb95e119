/** The parts of the broker by themselves, beside the least that each could take. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { bundle } from './bundle.ts'
import { Collector } from './collector.ts'
import type { Figure, Measure, MeasureContext } from './measure.ts'
import type { Value } from './micro/timing.ts'

const PARTS = ['codec', 'checksum', 'logs', 'socket'] as const

export const micro: Measure = {
  name: 'micro',
  title: 'The parts by themselves',
  about:
    'Messages read and written (in the newest versions, with what clients and brokers put into them), checksums, ' +
    'batches appended to a log and read from it with all the checks that a produce has made, beside the floor: a ' +
    'copy of the same bytes, a file, and what Node takes to send and receive them in writes of 1 MB. Each part runs ' +
    'in a process of its own, and everything is run until it is compiled before it counts.',
  run,
}

async function run({ rounds, short, progress }: MeasureContext): Promise<readonly Figure[]> {
  await using program = await bundle('bench/micro/program.ts')
  const figures = new Collector()
  for (let round = 0; round < rounds; round++) {
    for (const part of PARTS) {
      progress(`round ${round + 1}: ${part}`)
      for (const { value, ...what } of await valuesOf(program.path, part, short)) {
        figures.add({ ...what, better: 'less' }, value)
      }
    }
  }
  return figures.all()
}

async function valuesOf(program: string, part: string, short: boolean): Promise<readonly Value[]> {
  const child = spawn(process.execPath, [program, part, ...(short ? ['short'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`the part ${part} ended with ${code}`)
  return JSON.parse(printed) as readonly Value[]
}
