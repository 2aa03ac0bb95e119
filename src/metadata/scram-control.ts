/** Decisions on SCRAM credentials (KIP-554). Checks and their order follow Kafka's controller. */
import { createHash, createHmac } from 'node:crypto'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import type { Decision } from './decision.ts'
import type { MetadataRecord } from './metadata.ts'
import { type ScramCredentials, ScramMechanism } from './scram-credentials.ts'

/** A credential to delete: the shape of AlterUserScramCredentials' own. */
export interface ScramDeletion {
  readonly name: string
  readonly mechanism: number
}

/** A credential to make or to change: the shape of AlterUserScramCredentials' own. */
export interface ScramUpsertion {
  readonly name: string
  readonly mechanism: number
  readonly iterations: number
  readonly salt: Buffer
  readonly saltedPassword: Buffer
}

/** What became of what was asked for one user. */
export interface AlteredUser {
  readonly user: string
  /** Null when it was done. */
  readonly error: KafkaError | null
}

/** Each user is decided by themselves, and may be named once in a request. */
export function alterScramCredentials(
  credentials: ScramCredentials,
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): Decision<readonly AlteredUser[]> {
  const outcomes = new Map<string, MetadataRecord | KafkaError>()
  const decide = (user: string, decision: () => MetadataRecord): void => {
    const before = outcomes.get(user)
    if (before instanceof KafkaError) return
    outcomes.set(user, before === undefined ? attempt(decision) : duplicate(user))
  }
  for (const deletion of deletions) decide(deletion.name, () => removal(credentials, deletion))
  for (const upsertion of upsertions) decide(upsertion.name, () => credential(upsertion))
  return {
    records: [...outcomes.values()].flatMap((outcome) => (outcome instanceof KafkaError ? [] : [outcome])),
    response: Array.from(outcomes, ([user, outcome]) => ({
      user,
      error: outcome instanceof KafkaError ? outcome : null,
    })),
  }
}

/** Fewer can be guessed too quickly (RFC 7677). */
const MIN_ITERATIONS = 4096
/** More would cost the broker too much at each login. */
const MAX_ITERATIONS = 16_384

const HASHES: ReadonlyMap<number, string> = new Map([
  [ScramMechanism.SCRAM_SHA_256, 'sha256'],
  [ScramMechanism.SCRAM_SHA_512, 'sha512'],
])

function attempt(decision: () => MetadataRecord): MetadataRecord | KafkaError {
  try {
    return decision()
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}

function duplicate(user: string): KafkaError {
  return new KafkaError(
    ErrorCode.DUPLICATE_RESOURCE,
    `the credentials of ${user} are to be changed more than once in one request`,
  )
}

function removal(credentials: ScramCredentials, { name, mechanism }: ScramDeletion): MetadataRecord {
  checkUser(name, mechanism)
  if (!credentials.of(name).has(mechanism)) {
    const message = `${name} has no credential of mechanism ${mechanism} that could be deleted`
    throw new KafkaError(ErrorCode.RESOURCE_NOT_FOUND, message)
  }
  return { name: 'RemoveUserScramCredentialRecord', value: { name, mechanism } }
}

/** The salted password itself is not kept: whoever had it could log in. */
function credential({ name, mechanism, iterations, salt, saltedPassword }: ScramUpsertion): MetadataRecord {
  const hash = checkUser(name, mechanism)
  if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
    const message = `${iterations} iterations, where ${MIN_ITERATIONS} to ${MAX_ITERATIONS} are allowed`
    throw new KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, message)
  }
  // Java has no keys without bytes, so Kafka fails here.
  if (saltedPassword.length === 0) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
  const keyed = (text: string): Buffer => createHmac(hash, saltedPassword).update(text).digest()
  const storedKey = createHash(hash).update(keyed('Client Key')).digest()
  const value = {
    name,
    mechanism,
    salt,
    storedKey,
    serverKey: keyed('Server Key'),
    iterations,
  }
  return { name: 'UserScramCredentialRecord', value }
}

/** The hash function of the mechanism. @throws KafkaError UNACCEPTABLE_CREDENTIAL, UNSUPPORTED_SASL_MECHANISM. */
function checkUser(name: string, mechanism: number): string {
  if (name === '') throw new KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'the name of a user is empty')
  const hash = HASHES.get(mechanism)
  if (hash === undefined) {
    const message = `mechanism ${mechanism} is neither SCRAM-SHA-256 (1) nor SCRAM-SHA-512 (2)`
    throw new KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, message)
  }
  return hash
}
