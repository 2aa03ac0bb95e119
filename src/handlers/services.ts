/** What handlers work with. Built once for each broker by `cluster.ts`. */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { GroupCoordinator } from '../group/group-coordinator.ts'
import type { ClientMetrics } from '../metadata/client-metrics.ts'
import type { Controller } from '../metadata/controller.ts'
import type { Metadata } from '../metadata/metadata.ts'
import type { ProducerIds } from '../metadata/producer-ids.ts'
import type { FetchSessions } from '../replica/fetch-sessions.ts'
import type { LogRoom } from '../replica/memory-bound.ts'
import type { ReplicaManager } from '../replica/replica-manager.ts'
import type { TransactionCoordinator } from '../txn/transaction-coordinator.ts'
import type { WriteMarkers } from '../txn/txn-services.ts'
import type { UnsentAnswers } from './unsent-answers.ts'

/** One API as ApiVersions tells of it. */
export interface AdvertisedApi {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

export interface Services {
  readonly brokerId: number
  /** What is served, by API key. */
  readonly apiVersions: readonly AdvertisedApi[]
  readonly clock: Clock
  /** What a client's own patience goes by, as in a fetch that waits for records: clients live by the machine's clock. */
  readonly clientClock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly config: BrokerConfig
  readonly metadata: Metadata
  readonly controller: Controller
  readonly replicas: ReplicaManager
  readonly logRoom: LogRoom
  readonly fetchSessions: FetchSessions
  readonly producerIds: ProducerIds
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  /** Writes the markers of transactions. */
  readonly writeMarkers: WriteMarkers
  readonly clientMetrics: ClientMetrics
  readonly unsent: UnsentAnswers
  /** Whether the broker's machine finds an address for a host's name. */
  readonly resolveHost: (name: string) => Promise<boolean>
}
