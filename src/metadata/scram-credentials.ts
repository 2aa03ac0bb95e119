/** The SCRAM credentials of users (KIP-554): what the metadata log's records about them add up to. */
import type { RemoveUserScramCredentialRecord } from '../wire/metadata-records/remove-user-scram-credential-record.ts'
import type { UserScramCredentialRecord } from '../wire/metadata-records/user-scram-credential-record.ts'

/** `mechanism` of the protocol and of the records. */
export const ScramMechanism = { SCRAM_SHA_256: 1, SCRAM_SHA_512: 2 } as const

export type ScramMechanism = (typeof ScramMechanism)[keyof typeof ScramMechanism]

/** What a broker needs to check a password, and what does not tell it (RFC 5802). */
export interface ScramCredential {
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  readonly iterations: number
}

export class ScramCredentials {
  readonly #byUser = new Map<string, Map<number, ScramCredential>>()

  /** Every user that has a credential. */
  users(): IterableIterator<string> {
    return this.#byUser.keys()
  }

  /** A user's credentials by mechanism; empty when there are none. */
  of(user: string): ReadonlyMap<number, ScramCredential> {
    return this.#byUser.get(user) ?? NONE
  }

  apply({ name, mechanism, salt, storedKey, serverKey, iterations }: UserScramCredentialRecord): void {
    const credentials = this.#byUser.get(name) ?? new Map<number, ScramCredential>()
    // They may be views of something larger, which is not to be kept for their sake.
    const credential = {
      salt: Buffer.from(salt),
      storedKey: Buffer.from(storedKey),
      serverKey: Buffer.from(serverKey),
      iterations,
    }
    this.#byUser.set(name, credentials.set(mechanism, credential))
  }

  applyRemoval({ name, mechanism }: RemoveUserScramCredentialRecord): void {
    const credentials = this.#byUser.get(name)
    credentials?.delete(mechanism)
    if (credentials?.size === 0) this.#byUser.delete(name)
  }
}

const NONE: ReadonlyMap<number, ScramCredential> = new Map()
