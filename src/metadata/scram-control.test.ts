import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { expect, it } from 'vitest'
import { errorName } from '../wire/error-codes.ts'
import { Metadata } from './metadata.ts'
import { alterScramCredentials, type ScramDeletion, type ScramUpsertion } from './scram-control.ts'
import { ScramCredentials, ScramMechanism } from './scram-credentials.ts'

const upsertion = (more: Partial<ScramUpsertion> = {}): ScramUpsertion => ({
  name: 'u',
  mechanism: ScramMechanism.SCRAM_SHA_256,
  iterations: 4096,
  salt: Buffer.from('salt'),
  saltedPassword: Buffer.alloc(32, 7),
  ...more,
})

/** Applies what is decided, and tells of each user what became of it. */
function alter(
  metadata: Metadata,
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): readonly string[] {
  const { records, response } = alterScramCredentials(metadata.scramCredentials, deletions, upsertions)
  for (const record of records) metadata.apply(record)
  return response.map(({ user, error }) => `${user} ${error === null ? 'done' : errorName(error.code)}`)
}

it('keeps what the server of RFC 7677 needs, and not the password', () => {
  const metadata = new Metadata('cluster')
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const saltedPassword = pbkdf2Sync('pencil', salt, 4096, 32, 'sha256')
  expect(alter(metadata, [], [upsertion({ name: 'user', salt, saltedPassword })])).toEqual(['user done'])
  const credential = metadata.scramCredentials.of('user').get(ScramMechanism.SCRAM_SHA_256)
  if (credential === undefined) throw new Error('no credential')
  expect(JSON.stringify(credential)).not.toContain(JSON.stringify(saltedPassword))

  // The exchange of the RFC's third section: what the client proves, and what the server answers.
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const auth = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`
  const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64')
  const signature = createHmac('sha256', credential.storedKey).update(auth).digest()
  const clientKey = Buffer.from(proof.map((byte, at) => byte ^ (signature[at] ?? 0)))
  expect(createHash('sha256').update(clientKey).digest()).toEqual(credential.storedKey)
  const verifier = createHmac('sha256', credential.serverKey).update(auth).digest('base64')
  expect(verifier).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
})

it('keeps keys of the length of the hash', () => {
  const credentials = new Metadata('cluster')
  alter(credentials, [], [upsertion({ mechanism: ScramMechanism.SCRAM_SHA_512 })])
  const credential = credentials.scramCredentials.of('u').get(ScramMechanism.SCRAM_SHA_512)
  expect([credential?.storedKey.length, credential?.serverKey.length]).toEqual([64, 64])
})

it('changes a user that is there, and deletes by mechanism', () => {
  const metadata = new Metadata('cluster')
  alter(metadata, [], [upsertion()])
  alter(metadata, [], [upsertion({ mechanism: 2 })])
  alter(metadata, [], [upsertion({ iterations: 8192 })])
  expect(
    [...metadata.scramCredentials.of('u')].map(([mechanism, { iterations }]) => [mechanism, iterations]),
  ).toEqual([
    [1, 8192],
    [2, 4096],
  ])
  expect(alter(metadata, [{ name: 'u', mechanism: 1 }], [])).toEqual(['u done'])
  expect(alter(metadata, [{ name: 'u', mechanism: 1 }], [])).toEqual(['u RESOURCE_NOT_FOUND'])
  expect(alter(metadata, [{ name: 'u', mechanism: 2 }], [])).toEqual(['u done'])
  expect([...metadata.scramCredentials.users()]).toEqual([])
})

it.each([
  ['too few iterations', { iterations: 4095 }, 'u UNACCEPTABLE_CREDENTIAL'],
  ['too many iterations', { iterations: 16_385 }, 'u UNACCEPTABLE_CREDENTIAL'],
  ['the most iterations', { iterations: 16_384 }, 'u done'],
  ['an unknown mechanism', { mechanism: 3 }, 'u UNSUPPORTED_SASL_MECHANISM'],
  ['no name', { name: '' }, ' UNACCEPTABLE_CREDENTIAL'],
  ['no salted password', { saltedPassword: Buffer.alloc(0) }, 'u UNKNOWN_SERVER_ERROR'],
  ['no salt', { salt: Buffer.alloc(0) }, 'u done'],
  ['a name of the prototype', { name: '__proto__' }, '__proto__ done'],
])('answers to %s', (_, more, answer) => {
  expect(alter(new Metadata('cluster'), [], [upsertion(more)])).toEqual([answer])
})

it('changes each user once in a request, and the others all the same', () => {
  const metadata = new Metadata('cluster')
  alter(metadata, [], [upsertion()])
  const deletions = [{ name: 'u', mechanism: 1 }]
  const others = [upsertion({ name: 'v' }), upsertion({ name: 'w', mechanism: 0 }), upsertion({ name: 'w' })]
  expect(alter(metadata, deletions, [upsertion({ mechanism: 2 }), ...others])).toEqual([
    'u DUPLICATE_RESOURCE',
    'v done',
    'w UNSUPPORTED_SASL_MECHANISM',
  ])
  expect([...metadata.scramCredentials.users()]).toEqual(['u', 'v'])
})

it('keeps no buffer of a request alive', () => {
  const credentials = new ScramCredentials()
  const salt = Buffer.from('salt')
  const keys = { storedKey: Buffer.alloc(32), serverKey: Buffer.alloc(32) }
  credentials.apply({ name: 'u', mechanism: 1, salt, iterations: 4096, ...keys })
  salt.fill(0)
  expect(credentials.of('u').get(1)?.salt.toString()).toBe('salt')
})
