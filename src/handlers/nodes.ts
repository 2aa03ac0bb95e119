/** The brokers of the cluster, as a client on the listener of a call is to reach them. */
import type { Call } from './handler.ts'

export interface Node {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

export function nodesOf(call: Call): readonly Node[] {
  const living = [...call.metadata.brokers()].filter(({ registration }) => !registration.fenced)
  return living.map(({ id, rack }) => ({ nodeId: id, ...call.advertised, rack }))
}
