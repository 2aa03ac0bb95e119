import {
  type AlterUserScramCredentialsRequest,
  alterUserScramCredentialsApi,
} from '../../../src/wire/messages/alter-user-scram-credentials.ts'
import { describeUserScramCredentialsApi } from '../../../src/wire/messages/describe-user-scram-credentials.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Request = Partially<AlterUserScramCredentialsRequest>
type Upsertion = Partially<AlterUserScramCredentialsRequest['upsertions'][number]>
type Deletion = Partially<AlterUserScramCredentialsRequest['deletions'][number]>

const SHA_256 = 1
const SHA_512 = 2

const alter = (t: CaseContext, request: Request): Promise<unknown> =>
  t.send(alterUserScramCredentialsApi, 0, request)
const deletion = (t: CaseContext, more: Deletion = {}): Deletion => ({
  name: t.name('u'),
  mechanism: SHA_256,
  ...more,
})
const upsertion = (t: CaseContext, more: Upsertion = {}): Upsertion => ({
  name: t.name('u'),
  mechanism: SHA_256,
  iterations: 4096,
  salt: Buffer.from('salt'),
  saltedPassword: Buffer.alloc(32, 7),
  ...more,
})

/** What is described of a user, as soon as it has as many credentials as are awaited. */
async function described(t: CaseContext, name: string, count: number): Promise<unknown> {
  const ask = () => t.send(describeUserScramCredentialsApi, 0, { users: [{ name }] })
  await t.poll(`${count} credentials of ${name}`, async () => {
    const { results } = await ask()
    return results[0]?.credentialInfos.length === count
  })
  return ask()
}

differential('AlterUserScramCredentials', 'v0 inserts, changes and deletes', async (t) => {
  const name = t.name('u')
  const inserted = await alter(t, { upsertions: [upsertion(t)] })
  const one = await described(t, name, 1)
  const more = await alter(t, { upsertions: [upsertion(t, { mechanism: SHA_512, iterations: 16_384 })] })
  const two = await described(t, name, 2)
  const deleted = await alter(t, { deletions: [deletion(t)] })
  const left = await described(t, name, 1)
  const again = await alter(t, { deletions: [deletion(t)] })
  const last = await alter(t, { deletions: [deletion(t, { mechanism: SHA_512 })] })
  return { inserted, one, more, two, deleted, left, again, last, gone: await described(t, name, 0) }
})

const requests: ReadonlyArray<readonly [condition: string, request: (t: CaseContext) => Request]> = [
  ['nothing', () => ({})],
  ['deletion of what is not there', (t) => ({ deletions: [deletion(t)] })],
  ['deletion by an empty name', (t) => ({ deletions: [deletion(t, { name: '' })] })],
  ['deletion of an unknown mechanism', (t) => ({ deletions: [deletion(t, { mechanism: 3 })] })],
  ['deletion of mechanism 0', (t) => ({ deletions: [deletion(t, { mechanism: 0 })] })],
  [
    'deletion by an empty name of an unknown mechanism',
    (t) => ({ deletions: [deletion(t, { name: '', mechanism: 0 })] }),
  ],
  ['deletion of what is not there, twice', (t) => ({ deletions: [deletion(t), deletion(t)] })],
  ['an empty name', (t) => ({ upsertions: [upsertion(t, { name: '' })] })],
  ['an unknown mechanism', (t) => ({ upsertions: [upsertion(t, { mechanism: 3 })] })],
  ['mechanism 0', (t) => ({ upsertions: [upsertion(t, { mechanism: 0 })] })],
  ['a negative mechanism', (t) => ({ upsertions: [upsertion(t, { mechanism: -1 })] })],
  ['too few iterations', (t) => ({ upsertions: [upsertion(t, { iterations: 4095 })] })],
  [
    'too few iterations of SHA-512',
    (t) => ({ upsertions: [upsertion(t, { mechanism: SHA_512, iterations: 4095 })] }),
  ],
  ['too many iterations', (t) => ({ upsertions: [upsertion(t, { iterations: 16_385 })] })],
  ['negative iterations', (t) => ({ upsertions: [upsertion(t, { iterations: -1 })] })],
  [
    'an unknown mechanism with too few iterations',
    (t) => ({ upsertions: [upsertion(t, { mechanism: 9, iterations: 1 })] }),
  ],
  ['an empty salted password', (t) => ({ upsertions: [upsertion(t, { saltedPassword: Buffer.alloc(0) })] })],
  ['a user twice', (t) => ({ upsertions: [upsertion(t), upsertion(t)] })],
  [
    'a user with both mechanisms',
    (t) => ({ upsertions: [upsertion(t), upsertion(t, { mechanism: SHA_512 })] }),
  ],
  ['a user three times', (t) => ({ upsertions: [upsertion(t), upsertion(t), upsertion(t)] })],
  ['a bad user twice', (t) => ({ upsertions: [upsertion(t, { iterations: 1 }), upsertion(t)] })],
  [
    'deletion of what is not there and insertion',
    (t) => ({ deletions: [deletion(t)], upsertions: [upsertion(t)] }),
  ],
  [
    'three bad users',
    (t) => ({
      deletions: [deletion(t)],
      upsertions: [
        upsertion(t, { name: t.name('v'), iterations: 1 }),
        upsertion(t, { name: t.name('w'), mechanism: 0 }),
      ],
    }),
  ],
]
for (const [condition, request] of requests) {
  differential('AlterUserScramCredentials', `v0 ${condition}`, (t) => alter(t, request(t)))
}

const inserted: ReadonlyArray<readonly [condition: string, more: Upsertion]> = [
  ['as many iterations as may be', { iterations: 16_384 }],
  ['an empty salt', { salt: Buffer.alloc(0) }],
  ['a salted password of another length', { saltedPassword: Buffer.alloc(5, 1) }],
]
for (const [condition, more] of inserted) {
  differential('AlterUserScramCredentials', `v0 ${condition}`, async (t) => {
    const answer = await alter(t, { upsertions: [upsertion(t, more)] })
    const told = await described(t, t.name('u'), 1)
    return { answer, told, deleted: await alter(t, { deletions: [deletion(t)] }) }
  })
}
differential('AlterUserScramCredentials', 'v0 a name with every character', async (t) => {
  const name = `${t.name('u')} =,/:%ü\n`
  const answer = await alter(t, { upsertions: [upsertion(t, { name })] })
  const told = await described(t, name, 1)
  return { answer, told, deleted: await alter(t, { deletions: [deletion(t, { name })] }) }
})
differential('AlterUserScramCredentials', 'v0 deletion and insertion of what is there', async (t) => {
  await alter(t, { upsertions: [upsertion(t)] })
  await described(t, t.name('u'), 1)
  const both = await alter(t, {
    deletions: [deletion(t)],
    upsertions: [upsertion(t, { mechanism: SHA_512 })],
  })
  const twice = await alter(t, { deletions: [deletion(t), deletion(t)] })
  const told = await described(t, t.name('u'), 1)
  return { both, twice, told, deleted: await alter(t, { deletions: [deletion(t)] }) }
})
differential('AlterUserScramCredentials', 'v0 good and bad users', async (t) => {
  const [good, bad] = [t.name('good'), t.name('bad')]
  const answer = await alter(t, {
    upsertions: [upsertion(t, { name: good }), upsertion(t, { name: bad, iterations: 1 })],
  })
  const told = await described(t, good, 1)
  return { answer, told, deleted: await alter(t, { deletions: [deletion(t, { name: good })] }) }
})
