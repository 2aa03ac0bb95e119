import { type DescribeAclsRequest, describeAclsApi } from '../../../src/wire/messages/describe-acls.ts'
import { type CaseContext, differential } from '../case.ts'
import type { Partially } from '../client.ts'

const ANY = 1
const NO_SUCH = 99

const filter: Partially<DescribeAclsRequest> = {
  resourceTypeFilter: ANY,
  resourceNameFilter: null,
  patternTypeFilter: ANY,
  principalFilter: null,
  hostFilter: null,
  operation: ANY,
  permissionType: ANY,
}

const describe = (
  t: CaseContext,
  version: number,
  more: Partially<DescribeAclsRequest> = {},
): Promise<unknown> => t.send(describeAclsApi, version, { ...filter, ...more })

for (const version of [1, 2, 3]) {
  differential('DescribeAcls', `v${version} without an authorizer`, (t) => describe(t, version))
}
differential('DescribeAcls', 'v1 of a pattern type that came later', (t) =>
  describe(t, 1, { patternTypeFilter: 4, resourceTypeFilter: 7, resourceNameFilter: 'u' }),
)
differential('DescribeAcls', 'v3 of one principal', (t) =>
  describe(t, 3, {
    principalFilter: 'User:a',
    hostFilter: '*',
    resourceNameFilter: 't',
    resourceTypeFilter: 2,
  }),
)
for (const field of ['resourceTypeFilter', 'patternTypeFilter', 'operation', 'permissionType'] as const) {
  differential('DescribeAcls', `v3 UNKNOWN as ${field}`, (t) => describe(t, 3, { [field]: 0 }))
  differential('DescribeAcls', `v3 no such ${field}`, (t) => describe(t, 3, { [field]: NO_SUCH }))
}
differential('DescribeAcls', 'v3 a negative operation', (t) => describe(t, 3, { operation: -1 }))
