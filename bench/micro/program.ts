/** One round of the small measures, in a process of its own: prints a list of values as JSON. */
import { fileURLToPath } from 'node:url'
import { measureChecksum } from './checksum.ts'
import { measureCodec } from './codec.ts'
import { measureLogs } from './logs.ts'
import { measureSocket, receive } from './socket.ts'
import type { Effort, Value } from './timing.ts'

const [what = '', ...args] = process.argv.slice(2)
if (what === 'receive') await receive(Number(args[0]), args[1] ?? '')
else console.log(JSON.stringify(await measure(what)))

async function measure(part: string): Promise<readonly Value[]> {
  const effort: Effort = args.includes('short') ? { sampleMs: 2, samples: 5 } : { sampleMs: 10, samples: 9 }
  if (part === 'codec') return measureCodec(effort)
  if (part === 'checksum') return measureChecksum(effort)
  if (part === 'logs') return measureLogs(effort)
  const bytes = args.includes('short') ? 400_000_000 : 2_000_000_000
  return measureSocket(bytes, fileURLToPath(import.meta.url))
}
