import type { Call, Endpoint } from '../handlers/handler.ts'
import type { Services } from '../handlers/services.ts'
import type { Caller } from './dispatch.ts'

/** Makes the `Call` of one request. */
export type MakeCall = (caller: Caller, version: number, correlationId: number, clientId: string) => Call

/**
 * A maker of calls that carry the given services. They stand on the prototype that all calls share: copying them into each
 * call would cost more than all the rest of dispatch.
 */
export function callsWith(services: Services): MakeCall {
  class RequestCall {
    readonly version: number
    readonly correlationId: number
    readonly clientId: string
    readonly clientHost: string
    readonly clientPort: number
    readonly clientSoftware: string | null
    readonly connectionId: string
    readonly listenerName: string
    readonly advertised: Endpoint
    readonly signal: AbortSignal

    constructor(caller: Caller, version: number, correlationId: number, clientId: string) {
      this.version = version
      this.correlationId = correlationId
      this.clientId = clientId
      this.clientHost = caller.clientHost
      this.clientPort = caller.clientPort
      this.clientSoftware = caller.clientSoftware
      this.connectionId = caller.connectionId
      this.listenerName = caller.listenerName
      this.advertised = caller.advertised
      this.signal = caller.signal
    }
  }
  Object.assign(RequestCall.prototype, services)
  return (caller, version, correlationId, clientId) =>
    // With the prototype just filled in, it is a whole Call.
    new RequestCall(caller, version, correlationId, clientId) as RequestCall & Services
}
