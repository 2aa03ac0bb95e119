/** What handlers work with. Built once for each broker by `cluster.ts`. */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'

export interface Services {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}
