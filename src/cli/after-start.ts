/** What the program does when its first clients have been served: nothing of it may make the start slower. */
import type { Logger } from 'pino'
import { systemClock } from '../clock.ts'
import { crc32cImplementation } from '../wire/crc32c.ts'

export function afterStart(logger: Logger): void {
  systemClock.schedule(WAIT_MS, () => {
    // To find out is to load it, which takes as long as a tenth of the start.
    if (crc32cImplementation() === 'native') return
    logger.warn('@node-rs/crc32 is not installed: checksums are computed in JavaScript, several times slower')
  })
}

const WAIT_MS = 500
