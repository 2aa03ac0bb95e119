/**
 * What a directory that Kafka wrote may say of the cluster and nothing here acts on: ACLs, delegation tokens, the
 * controllers' addresses. It is kept, so that a snapshot has it, and Kafka finds it again.
 */
import type { AccessControlEntryRecord } from '../wire/metadata-records/access-control-entry-record.ts'
import type { DelegationTokenRecord } from '../wire/metadata-records/delegation-token-record.ts'
import type { RegisterControllerRecord } from '../wire/metadata-records/register-controller-record.ts'
import type { RemoveAccessControlEntryRecord } from '../wire/metadata-records/remove-access-control-entry-record.ts'
import type { RemoveDelegationTokenRecord } from '../wire/metadata-records/remove-delegation-token-record.ts'
import type { ZkMigrationStateRecord } from '../wire/metadata-records/zk-migration-state-record.ts'

export type KeptRecord =
  | { readonly name: 'AccessControlEntryRecord'; readonly value: AccessControlEntryRecord }
  | { readonly name: 'RemoveAccessControlEntryRecord'; readonly value: RemoveAccessControlEntryRecord }
  | { readonly name: 'DelegationTokenRecord'; readonly value: DelegationTokenRecord }
  | { readonly name: 'RemoveDelegationTokenRecord'; readonly value: RemoveDelegationTokenRecord }
  | { readonly name: 'RegisterControllerRecord'; readonly value: RegisterControllerRecord }
  | { readonly name: 'ZkMigrationStateRecord'; readonly value: ZkMigrationStateRecord }
  /** The bytes of a control record, which stands in checkpoints alone: the controllers of a dynamic quorum (KIP-853). */
  | { readonly name: 'VotersRecord'; readonly value: Buffer }

export class KeptRecords {
  /** The record that counts, by what it is about. */
  readonly #records = new Map<string, KeptRecord>()

  apply(record: KeptRecord): void {
    const key = keyOf(record)
    if (record.name.startsWith('Remove')) this.#records.delete(key)
    else this.#records.set(key, record)
  }

  [Symbol.iterator](): IterableIterator<KeptRecord> {
    return this.#records.values()
  }
}

function keyOf({ name, value }: KeptRecord): string {
  switch (name) {
    case 'AccessControlEntryRecord':
    case 'RemoveAccessControlEntryRecord':
      return `acl ${value.id}`
    case 'DelegationTokenRecord':
    case 'RemoveDelegationTokenRecord':
      return `token ${value.tokenId}`
    case 'RegisterControllerRecord':
      return `controller ${value.controllerId}`
    case 'ZkMigrationStateRecord':
      return 'migration'
    case 'VotersRecord':
      return 'voters'
  }
}
