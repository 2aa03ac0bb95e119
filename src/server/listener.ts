/** One address that a broker listens on, and the connections that came in over it. */
import type { Server, Socket } from 'node:net'
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../clock.ts'
import type { Endpoint } from '../handlers/handler.ts'
import { UnsentAnswers } from '../handlers/unsent-answers.ts'
import { clientHost, hostAndPort, plainAddress } from './addresses.ts'
import { bind, makeServer, portOf } from './bind.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import type { ConnectionQuotas } from './connection-quotas.ts'
import { DescriptorRoom } from './descriptor-room.ts'
import type { Dispatcher } from './dispatch.ts'
import { IdleConnections } from './idle-connections.ts'
import { RequestMemory } from './request-memory.ts'

export interface ListenerOptions {
  /** The listener's name: `PLAINTEXT`. */
  readonly name: string
  /** An address or a name; left out or undefined for every address of the machine. `localhost` is 127.0.0.1 and ::1. */
  readonly host?: string | undefined
  /** 0 for any free one. */
  readonly port: number
  /**
   * What clients are told to connect to; port 0 stands for the port that was bound. With null each client is told
   * the address that it connected to.
   */
  readonly advertised: Endpoint | null
  readonly dispatcher: Pick<Dispatcher, 'serve'>
  readonly clock: Clock
  readonly logger: Logger
  /** socket.request.max.bytes. */
  readonly maxRequestBytes: number
  /** connections.max.idle.ms; below 0 no connection is ever idle for too long. */
  readonly maxIdleMs: number
  /** What requests may take, and answers that nobody reads; by default as much as the machine has room for. */
  readonly requestMemory?: RequestMemory | undefined
  readonly unsent?: UnsentAnswers | undefined
  /** How many connections there may be; any number when left out. */
  readonly quotas?: ConnectionQuotas | undefined
  /** Whether listening keeps the process alive; it does not by default, nor do connections ever. */
  readonly keepAlive?: boolean | undefined
}

/** How long a stop waits for requests that are under way, unless told otherwise. */
const DEFAULT_GRACE_MS = 1_000

/** So many sockets wait for room at a listener, as in the backlog of an operating system; more are closed. */
const MAX_WAITING = 50

/** How often it is told that connections are refused since there are too many. */
const TOLD_AGAIN_MS = 60_000

/** Listens on one address once it is told to, which should be when the broker is ready to answer. */
export class Listener {
  readonly name: string
  readonly #options: ListenerOptions
  readonly #idle: IdleConnections<Connection>
  readonly #requestMemory: RequestMemory
  readonly #unsent: UnsentAnswers
  readonly #connections = new Set<Connection>()
  /** Accepted, but not served while the broker has all the connections that it may have. */
  readonly #waiting = new Set<Socket>()
  /** What to call when the last connection is closed. */
  readonly #whenEmpty: (() => void)[] = []
  #servers: readonly Server[] = []
  readonly #serve: ConnectionOptions['serve']
  #descriptors: DescriptorRoom | null = null
  #toldMs = Number.NEGATIVE_INFINITY
  #port: number
  #accepted = 0
  #stopped = false

  constructor(options: ListenerOptions) {
    this.name = options.name
    this.#options = options
    this.#port = options.port
    this.#requestMemory = options.requestMemory ?? new RequestMemory({ maxBytes: -1 })
    this.#unsent = options.unsent ?? new UnsentAnswers()
    this.#serve = (frame, caller) => options.dispatcher.serve(frame, caller)
    this.#idle = new IdleConnections(options.clock, options.maxIdleMs, (connection) =>
      connection.destroy(`idle for ${options.maxIdleMs} ms`),
    )
    options.quotas?.watch(() => this.#admit())
  }

  /** The port bound; before `listen`, the one asked for. */
  get port(): number {
    return this.#port
  }

  /** How many connections are open. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /**
   * What a client that connected to the given address is told to connect to.
   * @param localAddress our end of the client's connection; `localhost` where no client is asking.
   */
  advertisedTo(localAddress = 'localhost'): Endpoint {
    const { advertised } = this.#options
    if (advertised === null) return { host: plainAddress(localAddress), port: this.#port }
    return advertised.port === 0 ? { host: advertised.host, port: this.#port } : advertised
  }

  /**
   * Binds the address and accepts connections from then on.
   * @throws ListenError when it cannot be bound.
   */
  async listen(): Promise<void> {
    const { host, port, keepAlive, logger } = this.#options
    const servers = await bind(host, port, makeServer)
    if (this.#stopped) {
      for (const server of servers) server.close()
      return
    }
    this.#servers = servers
    for (const server of servers) {
      this.#port = portOf(server)
      server.on('connection', (socket) => this.#accept(socket))
      // For one thing, the process may be out of file descriptors: it goes on with the connections that it has.
      server.on('error', (err) =>
        logger.error({ err }, `listener ${this.name} could not accept a connection`),
      )
      if (keepAlive !== true) server.unref()
    }
    logger.info(`listener ${this.name} is open on ${hostAndPort(host ?? '*', this.#port)}: ${this.#told()}`)
  }

  /**
   * Accepts no more connections, closes the idle ones, lets the others answer what is under way, and closes them.
   * Long polls are over at once, since their signal is aborted.
   * @param graceMs after so many milliseconds (real ones, whatever the broker's clock says: nobody moves a
   * ManualClock while waiting for a stop) connections that are still open are cut off.
   */
  async stop(graceMs: number = DEFAULT_GRACE_MS): Promise<void> {
    this.#stopped = true
    const closed = this.#servers.map((server) => {
      server.ref()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    })
    const deadline = systemClock.schedule(graceMs, () => {
      for (const connection of this.#connections) connection.destroy(`not done ${graceMs} ms after the stop`)
    })
    for (const socket of this.#waiting) socket.destroy()
    for (const connection of this.#connections) connection.stop()
    await Promise.all(closed)
    if (this.#connections.size > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
    deadline.cancel()
    this.#idle.clear()
  }

  /** In words, since a client that is sent to an address that it cannot reach is the worst pain in Kafka. */
  #told(): string {
    if (this.#options.advertised === null) return 'each client is told the address that it connected to'
    const { host, port } = this.advertisedTo()
    return `clients are told to connect to ${hostAndPort(host, port)}`
  }

  #accept(socket: Socket): void {
    socket.unref()
    this.#descriptors ??= new DescriptorRoom()
    const refusal = this.#descriptors.refusal(socket)
    if (refusal !== null) this.#refuse(socket, refusal)
    else if (this.#options.quotas?.hasRoom(this.name) === false) this.#wait(socket)
    else this.#serveSocket(socket)
  }

  /** The client tries again, and gets in as soon as others have gone. */
  #refuse(socket: Socket, refusal: string): void {
    socket.destroy()
    const { clock, logger } = this.#options
    if (clock.now() - this.#toldMs < TOLD_AGAIN_MS) return
    this.#toldMs = clock.now()
    logger.warn(`listener ${this.name} closes new connections: ${refusal}`)
  }

  /** Nothing is read of a socket that waits, so that it costs no more than its place. */
  #wait(socket: Socket): void {
    if (this.#waiting.size >= MAX_WAITING || this.#stopped) {
      socket.destroy()
      return
    }
    this.#waiting.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#waiting.delete(socket))
  }

  /** Serves those who wait, first come, first served, as far as there is room. */
  #admit(): void {
    for (const socket of this.#waiting) {
      if (this.#options.quotas?.hasRoom(this.name) === false) return
      this.#waiting.delete(socket)
      this.#serveSocket(socket)
    }
  }

  #serveSocket(socket: Socket): void {
    const { localAddress, remoteAddress, remotePort } = socket
    if (
      localAddress === undefined ||
      remoteAddress === undefined ||
      remotePort === undefined ||
      this.#stopped
    ) {
      // The client has gone already.
      socket.destroy()
      return
    }
    const { clock, logger, maxRequestBytes, quotas } = this.#options
    const address = plainAddress(remoteAddress)
    const remote = hostAndPort(address, remotePort)
    if (quotas?.add(this.name, address) === false) {
      const limit = quotas.limitOf(address)
      logger.info(
        `connection from ${remote} to ${this.name} refused: its address has all ${limit} that it may have`,
      )
      socket.destroy()
      return
    }
    const connection = new Connection(socket, {
      serve: this.#serve,
      clock,
      logger,
      idle: this.#idle,
      maxRequestBytes,
      requestMemory: this.#requestMemory,
      unsent: this.#unsent,
      connectionId: `${hostAndPort(plainAddress(localAddress), this.#port)}-${remote}-${this.#accepted++}`,
      clientHost: clientHost(remoteAddress),
      clientPort: remotePort,
      client: remote,
      listenerName: this.name,
      advertised: this.advertisedTo(localAddress),
      onClosed: (closed) => {
        this.#closed(closed)
        quotas?.remove(this.name, address)
      },
    })
    this.#connections.add(connection)
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection)
    if (this.#connections.size > 0) return
    for (const resolve of this.#whenEmpty.splice(0)) resolve()
  }
}
