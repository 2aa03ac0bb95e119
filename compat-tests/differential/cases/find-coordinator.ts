import { findCoordinatorApi } from '../../../src/wire/messages/find-coordinator.ts'
import { differential } from '../case.ts'

for (const version of [0, 1, 2, 3]) {
  differential('FindCoordinator', `v${version} of a group`, async (t) =>
    t.send(findCoordinatorApi, version, { key: await t.group('g') }),
  )
}
for (const version of [4, 5, 6]) {
  differential('FindCoordinator', `v${version} of several groups`, async (t) => {
    const [one, two] = [await t.group('g'), await t.group('h')]
    return t.send(findCoordinatorApi, version, { coordinatorKeys: [two, one, two] })
  })
}
for (const version of [1, 4]) {
  const ask = (key: string) => (version < 4 ? { key } : { coordinatorKeys: [key] })
  differential('FindCoordinator', `v${version} of an empty group id`, async (t) => {
    await t.group('g')
    return t.send(findCoordinatorApi, version, ask(''))
  })
  differential('FindCoordinator', `v${version} of a transactional id`, async (t) => {
    const id = await t.transactionalId('txn')
    return t.send(findCoordinatorApi, version, { ...ask(id), keyType: 1 })
  })
  for (const keyType of [3, 99]) {
    differential('FindCoordinator', `v${version} of a kind that is unknown, ${keyType}`, (t) =>
      t.send(findCoordinatorApi, version, { ...ask(t.name('k')), keyType }),
    )
  }
  differential('FindCoordinator', `v${version} of a negative kind`, (t) =>
    t.send(findCoordinatorApi, version, { ...ask(t.name('k')), keyType: -1 }),
  )
}
differential('FindCoordinator', 'v4 of no keys', (t) => t.send(findCoordinatorApi, 4, {}))
for (const version of [4, 5, 6]) {
  differential('FindCoordinator', `v${version} of a share partition with a bad key`, (t) =>
    t.send(findCoordinatorApi, version, { coordinatorKeys: ['no-share-key', ''], keyType: 2 }),
  )
}
for (const version of [1, 2, 3]) {
  differential('FindCoordinator', `v${version} of an empty transactional id`, async (t) => {
    await t.transactionalId('txn')
    return t.send(findCoordinatorApi, version, { key: '', keyType: 1 })
  })
}
for (const version of [4, 5, 6]) {
  differential('FindCoordinator', `v${version} of several transactional ids`, async (t) => {
    const [one, two] = [await t.transactionalId('one'), await t.transactionalId('two')]
    return t.send(findCoordinatorApi, version, { coordinatorKeys: [two, one, '', two], keyType: 1 })
  })
}
