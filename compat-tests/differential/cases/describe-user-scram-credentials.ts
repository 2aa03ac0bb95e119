import { alterUserScramCredentialsApi } from '../../../src/wire/messages/alter-user-scram-credentials.ts'
import { describeUserScramCredentialsApi } from '../../../src/wire/messages/describe-user-scram-credentials.ts'
import { type CaseContext, differential } from '../case.ts'

const SHA_256 = 1
const SHA_512 = 2

/** Gives users a and b credentials while `use` runs: a by both mechanisms. */
async function withUsers<T>(t: CaseContext, use: () => Promise<T>): Promise<T> {
  const helper = await t.helper()
  const made = [
    { name: t.name('a'), mechanism: SHA_256, iterations: 4096 },
    { name: t.name('b'), mechanism: SHA_512, iterations: 8192 },
    { name: t.name('a'), mechanism: SHA_512, iterations: 5000 },
  ]
  for (const one of made) {
    const upsertion = { ...one, salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(64, 7) }
    await helper.send(alterUserScramCredentialsApi, 0, { upsertions: [upsertion] })
  }
  await t.poll('the credentials', async () => {
    const users = [{ name: t.name('a') }, { name: t.name('b') }]
    const { results } = await helper.send(describeUserScramCredentialsApi, 0, { users })
    return results.flatMap(({ credentialInfos }) => credentialInfos).length === made.length
  })
  try {
    return await use()
  } finally {
    for (const { name, mechanism } of made) {
      await helper.send(alterUserScramCredentialsApi, 0, { deletions: [{ name, mechanism }] })
    }
  }
}

const describe = (t: CaseContext, ...users: readonly string[]) =>
  t.send(describeUserScramCredentialsApi, 0, { users: users.map((name) => ({ name })) })

differential('DescribeUserScramCredentials', 'v0 of users', (t) =>
  withUsers(t, async () => ({
    one: await describe(t, t.name('a')),
    two: await describe(t, t.name('b'), t.name('a')),
    known: await describe(t, t.name('b'), t.name('nobody')),
    twice: await describe(t, t.name('a'), t.name('a')),
  })),
)
for (const [condition, users] of [
  ['of all users', null],
  ['of no users', []],
] as const) {
  differential('DescribeUserScramCredentials', `v0 ${condition}`, (t) =>
    withUsers(t, async () => {
      const answer = await t.send(describeUserScramCredentialsApi, 0, { users })
      return { ...answer, results: answer.results.filter(({ user }) => user.startsWith(t.name(''))) }
    }),
  )
}
differential('DescribeUserScramCredentials', 'v0 of a user that has none', (t) =>
  describe(t, t.name('nobody')),
)
differential('DescribeUserScramCredentials', 'v0 of a user without a name', (t) => describe(t, ''))
differential('DescribeUserScramCredentials', 'v0 of a user that has none, twice', (t) =>
  describe(t, t.name('nobody'), t.name('nobody'), t.name('other')),
)
differential('DescribeUserScramCredentials', 'v0 of a user three times', (t) =>
  describe(t, t.name('nobody'), t.name('nobody'), t.name('nobody')),
)
