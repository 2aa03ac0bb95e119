import { type CreateAclsRequest, createAclsApi } from '../../../src/wire/messages/create-acls.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Creation = Partially<CreateAclsRequest['creations'][number]>

/** Literal topic t, User:a from everywhere, READ, ALLOW. */
const creation: Creation = {
  resourceType: 2,
  resourceName: 't',
  resourcePatternType: 3,
  principal: 'User:a',
  host: '*',
  operation: 3,
  permissionType: 3,
}

const create = (t: CaseContext, version: number, ...creations: readonly Creation[]): Promise<unknown> =>
  t.send(createAclsApi, version, { creations: creations.map((one) => ({ ...creation, ...one })) })

for (const version of [1, 2, 3]) {
  differential('CreateAcls', `v${version} without an authorizer`, (t) => create(t, version, {}))
  differential('CreateAcls', `v${version} two at once`, (t) => create(t, version, {}, { operation: 4 }))
}
differential('CreateAcls', 'v3 none', (t) => create(t, 3))
differential('CreateAcls', 'v3 an empty resource name', (t) => create(t, 3, { resourceName: '' }))
differential('CreateAcls', 'v3 a malformed principal', (t) => create(t, 3, { principal: 'a' }))
for (const field of ['resourceType', 'resourcePatternType', 'operation', 'permissionType'] as const) {
  differential('CreateAcls', `v3 UNKNOWN as ${field}`, (t) => create(t, 3, {}, { [field]: 0 }))
  differential('CreateAcls', `v3 no such ${field}`, (t) => create(t, 3, {}, { [field]: 99 }))
}
