import { describeClusterApi } from '../../../src/wire/messages/describe-cluster.ts'
import { differential } from '../case.ts'

for (const version of [0, 1, 2]) {
  differential('DescribeCluster', `v${version}`, (t) => t.send(describeClusterApi, version, {}))
  differential('DescribeCluster', `v${version} authorized operations`, (t) =>
    t.send(describeClusterApi, version, { includeClusterAuthorizedOperations: true }),
  )
}
differential('DescribeCluster', 'v2 fenced brokers too', (t) =>
  t.send(describeClusterApi, 2, { includeFencedBrokers: true }),
)
for (const endpointType of [2, 0, 9, -1]) {
  differential(
    'DescribeCluster',
    `v1 endpoints of type ${endpointType < 0 ? 'minus one' : endpointType}`,
    (t) => t.send(describeClusterApi, 1, { endpointType }),
  )
}
