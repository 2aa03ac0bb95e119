/** The brokers that are measured side by side. */
import type { Peer, PeerName } from './measure.ts'
import { kafka } from './peer-kafka.ts'
import { kfake } from './peer-kfake.ts'
import { ottla, ottlaJsCrc } from './peer-ottla.ts'

/** In the order in which they are measured and reported. */
export const allPeers: readonly Peer[] = [ottla, ottlaJsCrc, kafka, kfake]

export const peerTitles: Readonly<Record<PeerName, string>> = {
  ottla: 'ottla',
  'ottla-js-crc': 'ottla without @node-rs/crc32',
  kafka: 'Apache Kafka 4.3.1',
  kfake: 'kfake',
}
