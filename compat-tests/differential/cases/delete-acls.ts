import { type DeleteAclsRequest, deleteAclsApi } from '../../../src/wire/messages/delete-acls.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

type Filter = Partially<DeleteAclsRequest['filters'][number]>

/** Everything. */
const everything: Filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

const remove = (t: CaseContext, version: number, ...filters: readonly Filter[]): Promise<unknown> =>
  t.send(deleteAclsApi, version, { filters: filters.map((one) => ({ ...everything, ...one })) })

for (const version of [1, 2, 3]) {
  differential('DeleteAcls', `v${version} without an authorizer`, (t) => remove(t, version, {}))
  differential('DeleteAcls', `v${version} two filters`, (t) => remove(t, version, {}, { hostFilter: 'h' }))
}
differential('DeleteAcls', 'v3 no filter', (t) => remove(t, 3))
for (const field of ['resourceTypeFilter', 'patternTypeFilter', 'operation', 'permissionType'] as const) {
  differential('DeleteAcls', `v3 UNKNOWN as ${field}`, (t) => remove(t, 3, {}, { [field]: 0 }))
  differential('DeleteAcls', `v3 no such ${field}`, (t) => remove(t, 3, {}, { [field]: 99 }))
}
