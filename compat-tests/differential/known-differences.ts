/** Where ottla's answers differ from Kafka's, and why. An entry that no longer differs fails the suite. */
import type { KnownDifference } from './compare.ts'

/** The APIs that come later, by key. One that is not served is not advertised. */
const notServed: Readonly<Record<number, string>> = {
  17: 'SaslHandshake',
  36: 'SaslAuthenticate',
  38: 'CreateDelegationToken',
  39: 'RenewDelegationToken',
  40: 'ExpireDelegationToken',
  41: 'DescribeDelegationToken',
  64: 'UnregisterBroker',
  68: 'ConsumerGroupHeartbeat',
  69: 'ConsumerGroupDescribe',
  76: 'ShareGroupHeartbeat',
  77: 'ShareGroupDescribe',
  78: 'ShareFetch',
  79: 'ShareAcknowledge',
  80: 'AddRaftVoter',
  81: 'RemoveRaftVoter',
  83: 'InitializeShareGroupState',
  84: 'ReadShareGroupState',
  85: 'WriteShareGroupState',
  86: 'DeleteShareGroupState',
  87: 'ReadShareGroupStateSummary',
  88: 'StreamsGroupHeartbeat',
  89: 'StreamsGroupDescribe',
  90: 'DescribeShareGroupOffsets',
  91: 'AlterShareGroupOffsets',
  92: 'DeleteShareGroupOffsets',
}

/** The features whose APIs come later. */
const features: Readonly<Record<string, string>> = {
  'group.version': 'consumer groups of the new protocol (KIP-848) are not served yet',
  'share.version': 'share groups (KIP-932) are not served yet',
  'streams.version': 'streams groups (KIP-1071) are not served yet',
}

/** What a broker says of the place where it is. */
const whereabouts: Readonly<Record<string, string>> = {
  'controller.quorum.voters': 'ottla has no controllers of its own to name',
  listeners: 'Kafka has a listener for controllers',
  'log.dirs': 'ottla keeps its logs in memory',
  'ottla.realistic': 'Kafka has one temper only',
}

export const knownDifferences: readonly KnownDifference[] = [
  ...Object.entries(notServed).map(([key, name]) => ({
    case: 'ApiVersions: v*',
    path: `apiKeys[${key}]`,
    reason: `${name} is not served yet`,
  })),
  ...Object.entries(features).flatMap(([name, reason]) => [
    { case: 'ApiVersions: v*', path: `finalizedFeatures[${name}]`, reason },
    { case: 'ApiVersions: v4', path: `supportedFeatures[${name}]`, reason },
  ]),
  {
    case: 'DescribeConfigs: *',
    path: 'results[0].configs[*].documentation',
    reason: "the documentation is Apache Kafka's own prose, which is not copied",
  },
  ...['v1 all', 'v4 all', 'v4 no keys'].flatMap((which) =>
    Object.entries(whereabouts).map(([key, reason]) => ({
      case: `DescribeConfigs: ${which} of the broker`,
      path: `results[0].configs[${key}]`,
      reason,
    })),
  ),
]
