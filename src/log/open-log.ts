/** Opens logs. */
import type { StoredLog } from '../storage/log-store.ts'
import { Log } from './log.ts'
import type { LogOptions } from './log-options.ts'
import { recoverLog } from './log-recovery.ts'
import { withStorageErrors } from './store-queue.ts'

/**
 * Opens a log, and wins back what it has to know: by what lies beside it, and from the batches since. A log that is
 * empty, in a store that answers at once, is open when this returns.
 * @throws KafkaError KAFKA_STORAGE_ERROR when the store cannot open or read it.
 */
export function openLog(options: LogOptions): Log | Promise<Log> {
  const { store, id, epoch, clock, config } = options
  const load = (stored: StoredLog): Log | Promise<Log> => {
    const recovered = recoverLog(stored, config(), clock.now())
    if (!(recovered instanceof Promise)) return new Log(options, stored, recovered)
    return recovered.then(
      (log) => new Log(options, stored, log),
      async (error: unknown) => {
        await Promise.resolve(stored.close()).catch(() => {})
        throw error
      },
    )
  }
  return withStorageErrors(() => {
    const stored = store.open(id, epoch)
    return stored instanceof Promise ? stored.then(load) : load(stored)
  })
}
