/** What the program does when its first clients have been served: nothing of it may make the start slower. */
import type { Logger } from 'pino'
import { systemClock } from '../clock.ts'
import { crc32cImplementation } from '../wire/crc32c.ts'

export function afterStart(logger: Logger): void {
  systemClock.schedule(WAIT_MS, () => {
    keepGarbageYoung()
    // To find out is to load it, which takes as long as a tenth of the start.
    if (crc32cImplementation() === 'native') return
    logger.warn('@node-rs/crc32 is not installed: checksums are computed in JavaScript, several times slower')
  })
}

/** Not before the compiled code has been kept: V8 would not take what was compiled with another flag. */
const WAIT_MS = 500

/**
 * Where most objects that a line of code makes live long for a while, V8 makes all later ones where old objects are. One
 * request about thousands of partitions is enough for that, and from then on what each small request leaves behind is
 * collected as slowly as what is old: a fetch costs up to twice as much for as long as the broker runs. Here nearly
 * everything is garbage as soon as a request is answered, and what stays is moved once.
 */
function keepGarbageYoung(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--no-allocation-site-pretenuring')
}
