/**
 * The long form of the crash test.
 *
 * usage: npm run crash -- [--kills COUNT] [--seed NUMBER] [--history FILE]
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { buildGo, goProgram } from '../tools.ts'
import { buildBrokers, ottla } from './brokers.ts'
import { violations } from './checker.ts'
import { runCrashes } from './run-crashes.ts'

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, history: { type: 'string' } },
})
const kills = Number(values.kills ?? 200)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
buildGo('crash')
await buildBrokers()
console.log(`${kills} kills, seed ${seed}`)
const began = Date.now()
const history = await runCrashes({
  broker: ottla,
  load: goProgram('crash').command[0],
  seed,
  kills,
  patienceS: 60,
  onKill: (count) => {
    if (count % 20 === 0) console.log(`${count} kills in ${Math.round((Date.now() - began) / 1000)} s`)
  },
})
if (values.history !== undefined) {
  writeFileSync(values.history, history.map((event) => `${JSON.stringify(event)}\n`).join(''))
}
const counts = new Map<string, number>()
for (const { at } of history) counts.set(at, (counts.get(at) ?? 0) + 1)
console.log(Array.from(counts, ([at, count]) => `${at} ${count}`).join(', '))
const found = violations(history)
for (const violation of found.slice(0, 50)) console.error(violation)
console.log(`${found.length} broken promises after ${kills} kills (seed ${seed})`)
process.exitCode = found.length === 0 ? 0 : 1
