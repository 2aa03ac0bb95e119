import { type HeartbeatRequest, heartbeatApi } from '../../../src/wire/messages/heartbeat.ts'
import { joinGroupApi } from '../../../src/wire/messages/join-group.ts'
import { differential } from '../case.ts'
import type { Partially } from '../client.ts'
import { completing, joinRequest, preparing, stable } from './members.ts'

for (const version of [0, 1, 2, 3, 4]) {
  differential('Heartbeat', `v${version} of a stable group`, async (t) =>
    (await stable(t)).heartbeat(version),
  )
  differential('Heartbeat', `v${version} of a group that rebalances`, async (t) =>
    (await preparing(t)).member.heartbeat(version),
  )
}
differential('Heartbeat', 'v4 before the assignment', async (t) => (await completing(t)).heartbeat(4))

differential('Heartbeat', 'v4 a group that does not exist', async (t) =>
  t.send(heartbeatApi, 4, { groupId: await t.group('g'), generationId: 1, memberId: 'm' }),
)

const wrong: ReadonlyArray<readonly [condition: string, more: Partially<HeartbeatRequest>]> = [
  ['a member that is unknown', { memberId: 'nobody' }],
  ['an empty member id', { memberId: '' }],
  ['a generation that is too high', { generationId: 7 }],
  ['a generation that is too low', { generationId: 0 }],
  ['a generation of -1', { generationId: -1 }],
  ['an empty group id', { groupId: '' }],
  ['an instance id that is unknown', { groupInstanceId: 'i9' }],
]
for (const [condition, more] of wrong) {
  differential('Heartbeat', `v4 ${condition}`, async (t) => {
    const { client, groupId, generationId, memberId } = await stable(t)
    return client.send(heartbeatApi, 4, { groupId, generationId, memberId, ...more })
  })
}

differential('Heartbeat', 'v4 a static member that has been replaced', async (t) => {
  const leader = await stable(t, 'g', { groupInstanceId: 'i1' })
  await t.send(joinGroupApi, 9, joinRequest(leader.groupId, { groupInstanceId: 'i1' }))
  const { client, groupId, generationId, memberId } = leader
  return {
    withInstance: await leader.heartbeat(4),
    withoutInstance: await client.send(heartbeatApi, 4, { groupId, generationId, memberId }),
  }
})
