/** Opens the server sockets of one listener. */
import { createServer, type ListenOptions, type Server } from 'node:net'
import { hostAndPort } from './addresses.ts'

/** A listener could not be opened: the message says which address and what can be done about it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  /** Node's code: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND … */
  readonly code: string
  readonly host: string
  readonly port: number

  constructor(host: string, port: number, cause: Error) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : 'UNKNOWN'
    const advice = ADVICE[code]
    super(`cannot listen on ${hostAndPort(host, port)}: ${advice ?? cause.message}`, { cause })
    this.code = code
    this.host = host
    this.port = port
  }
}

/**
 * Binds `port` on `host` and gives the servers that listen, all on the same port.
 *
 * Clients resolve `localhost` to 127.0.0.1 or to ::1, so both have to work: with no host every address of the
 * machine is bound, of both families; for `localhost` the two loopback addresses are. Where IPv6 is lacking, IPv4
 * is enough.
 * @param host an address or a name; undefined for every address of the machine.
 * @param port 0 for any free one.
 * @throws ListenError when that cannot be done; nothing stays open then.
 */
export async function bind(
  host: string | undefined,
  port: number,
  makeServer: () => Server,
): Promise<Server[]> {
  if (host !== 'localhost') {
    // With no host Node itself falls back to 0.0.0.0 where there is no IPv6.
    const options = host === undefined ? { port } : { port, host }
    return [await open(makeServer(), options).catch((error) => fail(host ?? '*', port, error))]
  }
  for (let attempt = 1; ; attempt++) {
    const first = await open(makeServer(), { port, host: '127.0.0.1' }).catch((error) =>
      fail(host, port, error),
    )
    try {
      return [first, await open(makeServer(), { port: portOf(first), host: '::1' })]
    } catch (error) {
      if (isLackOfIpv6(error)) return [first]
      await new Promise((resolve) => first.close(resolve))
      // The port that was free for IPv4 is taken for IPv6: any other will do as well.
      if (port !== 0 || attempt === MAX_ATTEMPTS) return fail(host, port, error)
    }
  }
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  const address = server.address()
  return address === null || typeof address === 'string' ? 0 : address.port
}

/**
 * What makes a server for `bind`: one that leaves half-open connections to us, sends small answers at once, and reads
 * nothing before somebody is there for it.
 */
export function makeServer(): Server {
  return createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true })
}

const MAX_ATTEMPTS = 20
/** Room for many clients that connect at the same moment; the kernel has a limit of its own. */
const BACKLOG = 4096

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'the port is in use. Stop the program that listens there, or choose another port (0 takes any free one)',
  EACCES: 'not allowed. Ports below 1024 need special rights: choose a higher one',
  EADDRNOTAVAIL:
    'this machine has no such address. Listen on localhost, or leave the host out for all addresses',
  ENOTFOUND: 'the host name is not known. Listen on localhost, or leave the host out for all addresses',
}

function open(server: Server, options: ListenOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...options, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function fail(host: string, port: number, error: unknown): never {
  throw error instanceof Error ? new ListenError(host, port, error) : error
}

function isLackOfIpv6(error: unknown): boolean {
  return error instanceof Error && 'code' in error && LACK_OF_IPV6.has(String(error.code))
}

const LACK_OF_IPV6: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])
