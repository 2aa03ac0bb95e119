/**
 * Reads a server's socket the way that Node offers to clients only (`onread`): the kernel writes into memory that we
 * choose, where a 'data' event would bring a new buffer of 64 KiB for every read, and the collector's work with it.
 */
import { Socket, type SocketConstructorOpts } from 'node:net'

/** Who takes the bytes of one connection. */
export interface Intake {
  /** Where the next bytes are to go; null when any place will do. */
  room(): Buffer | null
  /** So many bytes were written into the `room`. */
  filled(bytes: number): void
  /** Bytes that came elsewhere. They are only lent: their memory is used anew when this returns. */
  received(bytes: Buffer): void
}

/** A socket as Node makes it: what it wraps is the same in all of Node's versions, but not in others' of its API. */
interface HandleOwner {
  _handle?: { readonly useUserBuffer?: unknown } | null
}

/** What all connections read into that have no room of their own: reading and taking is one step. */
const SHARED = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Hands the bytes of an accepted socket, of which nothing has been read yet (`pauseOnConnect`), to `intake`.
 * @returns the socket to use from now on: the one that came has given its connection away and is destroyed, unless
 * its bytes can be had as 'data' events only.
 */
export function readDirectly(accepted: Socket, intake: Intake): Socket {
  const owner = accepted as HandleOwner
  const handle = owner._handle
  if (typeof handle?.useUserBuffer !== 'function') return readEvents(accepted, intake)
  // The server waits for no socket that has been destroyed; without its handle that closes nothing.
  owner._handle = null
  accepted.destroy()
  let target: Buffer | null = null
  const onread = {
    buffer: (): Buffer => {
      target = intake.room()
      return target ?? SHARED
    },
    callback: (bytes: number): boolean => {
      if (target === null) intake.received(SHARED.subarray(0, bytes))
      else intake.filled(bytes)
      return true
    },
  }
  return new Socket({ handle, allowHalfOpen: true, onread } as SocketConstructorOpts)
}

function readEvents(accepted: Socket, intake: Intake): Socket {
  accepted.on('data', (chunk: Buffer) => intake.received(chunk))
  return accepted.resume()
}
