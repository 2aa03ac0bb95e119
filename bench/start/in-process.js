/**
 * A test's process: loads the library and starts clusters, one after another, as test files of a runner do that share a
 * process. Arguments: how to load it, the library's file, how many clusters. Prints one line of JSON, all of it in ms.
 */
import { createRequire } from 'node:module'

const [way, file = '', count = '20'] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const began = performance.now()
const { startCluster } = way === 'require' ? require(file) : await import(file)
const loaded = performance.now()
const first = await startCluster()
const started = performance.now()
await first.stop()
/** @type {number[]} */
const startsMs = []
/** @type {number[]} */
const stopsMs = []
for (let i = 0; i < Number(count); i++) {
  const before = performance.now()
  const cluster = await startCluster()
  const running = performance.now()
  await cluster.stop()
  startsMs.push(running - before)
  stopsMs.push(performance.now() - running)
}
console.log(JSON.stringify({ loadMs: loaded - began, firstStartMs: started - loaded, startsMs, stopsMs }))
