/** A small client for the commands that ask a broker: of ottla's or of Apache Kafka's, one connection, one request at a time. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { deadlineIn, systemClock } from '../clock.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { Api } from '../wire/message.ts'
import { type ApiVersionsResponse, apiVersionsApi } from '../wire/messages/api-versions.ts'
import { requestHeader } from '../wire/messages/request-header.ts'
import { responseHeader } from '../wire/messages/response-header.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { ClientError } from './client-error.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** As old as any that is served. */
const OLDEST_API_VERSIONS = 0

const VERSION_OF_ALL = 3

const MAX_ANSWER_BYTES = 100 * 1024 * 1024

const RETRY_MS = 200

/**
 * Connects to the first of the servers that answers. While none does it asks again, until the time is over: scripts
 * wait in this way for a broker that starts beside them.
 * @param servers `host:port`, several separated by commas.
 * @throws ClientError when none does.
 */
export async function connectTo(servers: string, timeoutMs: number): Promise<Client> {
  const addresses = addressesOf(servers)
  const endMs = systemClock.now() + timeoutMs
  for (;;) {
    const failures: string[] = []
    for (const address of addresses) {
      try {
        return await Client.open(address, Math.max(1, endMs - systemClock.now()))
      } catch (error) {
        if (!(error instanceof ClientError)) throw error
        failures.push(error.message)
      }
    }
    if (systemClock.now() + RETRY_MS >= endMs) throw new ClientError(failures.join('; '))
    await new Promise<void>((resolve) => deadlineIn(RETRY_MS, resolve))
  }
}

export function addressesOf(servers: string): readonly Address[] {
  return servers.split(',').map((text) => {
    const [, bracketed, plain, port] =
      /^(?:[A-Z_]+:\/\/)?(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})$/.exec(text.trim()) ?? []
    const host = bracketed ?? plain
    if (host === undefined || Number(port) > 65_535) {
      throw new ClientError(`${text.trim()} is no server: give its host and port, as in localhost:9092`)
    }
    return { host, port: Number(port) }
  })
}

export class Client {
  readonly address: Address
  readonly #socket: Socket
  readonly #timeoutMs: number
  #received: Buffer = Buffer.alloc(0)
  #correlationId = 0
  #apis: ApiVersionsResponse['apiKeys'] = []

  private constructor(address: Address, socket: Socket, timeoutMs: number) {
    this.address = address
    this.#socket = socket
    this.#timeoutMs = timeoutMs
  }

  /** Connects, and asks which versions are served. @throws ClientError */
  static async open(address: Address, timeoutMs: number): Promise<Client> {
    const { host, port } = address
    const socket = connect({ host, port, noDelay: true })
    // Whoever waits for it hears of it; when nobody does, it is of no concern.
    socket.on('error', () => {})
    const client = new Client(address, socket, timeoutMs)
    try {
      await client.#within(once(socket, 'connect'), `${host}:${port} took no connection`)
      await client.#askVersions()
      return client
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** What the broker serves, as it says itself. */
  get apis(): ApiVersionsResponse['apiKeys'] {
    return this.#apis
  }

  /** The newest version that both know, or undefined where there is none. */
  versionOf<Req, Res>(api: Api<Req, Res>): number | undefined {
    const served = this.#apis.find(({ apiKey }) => apiKey === api.key)
    if (served === undefined) return undefined
    const version = Math.min(served.maxVersion, api.versions[1])
    return version >= Math.max(served.minVersion, api.versions[0]) ? version : undefined
  }

  /** Sends one request in the newest version that both know. @throws ClientError */
  async send<Req, Res>(api: Api<Req, Res>, request: Req): Promise<Res> {
    const version = this.versionOf(api)
    if (version === undefined) throw new ClientError(`${this.#name()} does not serve ${api.name}`)
    return this.#ask(api, version, request)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #askVersions(): Promise<void> {
    const request = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0' }
    let answer = await this.#ask(apiVersionsApi, VERSION_OF_ALL, request)
    // A broker that does not know this version answers in the oldest one (KIP-511).
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      answer = await this.#ask(apiVersionsApi, OLDEST_API_VERSIONS, request)
    }
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new ClientError(`${this.#name()} answered ApiVersions with error ${answer.errorCode}`)
    }
    this.#apis = answer.apiKeys
  }

  async #ask<Req, Res>(api: Api<Req, Res>, version: number, request: Req): Promise<Res> {
    const correlationId = this.#correlationId++
    const writer = new Writer()
    writer.int32(0)
    const header = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId: 'ottla' }
    requestHeader.write(writer, version >= api.flexibleFrom ? 2 : 1, header)
    api.request.write(writer, version, request)
    const frame = writer.concat()
    frame.writeInt32BE(frame.length - 4, 0)
    this.#socket.write(frame)
    const answer = await this.#within(this.#frame(), `${this.#name()} did not answer ${api.name}`)
    return this.#read(api, version, answer)
  }

  #read<Req, Res>(api: Api<Req, Res>, version: number, answer: Buffer): Res {
    try {
      const reader = new Reader(answer)
      const flexible = version >= api.flexibleFrom && api.key !== apiVersionsApi.key
      responseHeader.read(reader, flexible ? 1 : 0)
      // The error that says so comes in the oldest version.
      const isRefusal =
        api.key === apiVersionsApi.key && answer.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION
      return api.response.read(reader, isRefusal ? OLDEST_API_VERSIONS : version)
    } catch (error) {
      throw new ClientError(
        `${this.#name()} is no Kafka broker: ${error instanceof Error ? error.message : error}`,
      )
    }
  }

  /** The next whole frame, without its length. */
  async #frame(): Promise<Buffer> {
    for (;;) {
      const size = this.#received.length >= 4 ? this.#received.readInt32BE(0) : 0
      if (size < 0 || size > MAX_ANSWER_BYTES) {
        throw new ClientError(`${this.#name()} is no Kafka broker: it answers with ${size} bytes`)
      }
      if (size > 0 && this.#received.length >= 4 + size) {
        const frame = this.#received.subarray(4, 4 + size)
        this.#received = this.#received.subarray(4 + size)
        return frame
      }
      const [chunk] = await once(this.#socket, 'data')
      this.#received = Buffer.concat([this.#received, chunk])
    }
  }

  /** @throws ClientError when it fails, the connection ends, or it takes too long. */
  #within<T>(work: Promise<T>, failure: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new ClientError(`${failure}: ${why}`))
      const onClose = (): void => fail('the connection was closed')
      const timer = systemClock.schedule(this.#timeoutMs, () => fail(`nothing came in ${this.#timeoutMs} ms`))
      this.#socket.once('close', onClose)
      work
        .then(resolve, (error) => (error instanceof ClientError ? reject(error) : fail(reason(error))))
        .finally(() => {
          timer.cancel()
          this.#socket.off('close', onClose)
        })
    })
  }

  #name(): string {
    return `${this.address.host}:${this.address.port}`
  }
}

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
