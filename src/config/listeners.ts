/** The listeners of a broker: what `listeners` and `advertised.listeners` say, in Kafka's notation. */
import type { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'

/** One address to listen on. */
export interface ListenerConfig {
  /** Upper case, as Kafka keeps it: `PLAINTEXT`. */
  readonly name: string
  /** null for every address of the machine. */
  readonly host: string | null
  /** 0 for any free one. */
  readonly port: number
  /** What clients are told to connect to; null to tell each the address that it connected to. */
  readonly advertised: { readonly host: string; readonly port: number } | null
}

interface NamedAddress {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Kafka takes an IPv6 address without brackets too: the port is what follows the last colon. */
const ADDRESS = /^([^:/]+):\/\/(?:\[([\w.:%-]*)\]|([\w.:%-]*)):(\d+)$/

/** @throws ConfigError when the two do not make sense, each by itself or together. */
export function listenersOf(config: BrokerConfig): readonly ListenerConfig[] {
  const controllers = (config.get('controller.listener.names') ?? []).map((name) => name.toUpperCase())
  // There is no controller to connect to: it is a part of the broker.
  const isForClients = ({ name }: NamedAddress): boolean => !controllers.includes(name)
  const listening = parse('listeners', config.text('listeners') ?? '').filter(isForClients)
  if (listening.length === 0) {
    throw new ConfigError('listeners names no listener for clients: add one, as in PLAINTEXT://:9092')
  }
  const advertised = parse('advertised.listeners', config.setText('advertised.listeners') ?? '').filter(
    isForClients,
  )
  checkProtocols(config, listening)
  checkPorts(listening)
  checkAdvertised(advertised, listening)
  return listening.map(({ name, host, port }) => {
    const told = advertised.find((listener) => listener.name === name)
    return {
      name,
      host: isEveryAddress(host) ? null : host,
      port,
      advertised: told === undefined ? null : { host: told.host, port: told.port },
    }
  })
}

function parse(config: string, text: string): readonly NamedAddress[] {
  const addresses = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => parseOne(config, part))
  const names = new Set<string>()
  for (const { name } of addresses) {
    if (names.has(name))
      throw new ConfigError(`${config} has two listeners called ${name}: each needs its own name`)
    names.add(name)
  }
  return addresses
}

function parseOne(config: string, text: string): NamedAddress {
  const match = ADDRESS.exec(text)
  const port = Number(match?.[4])
  if (match === null || port > 65535) {
    throw new ConfigError(
      `${config}: ${text} is not of the form NAME://host:port with a port from 0 to 65535`,
    )
  }
  return { name: (match[1] ?? '').toUpperCase(), host: match[2] ?? match[3] ?? '', port }
}

/** Only PLAINTEXT is served so far: a listener that shall encrypt or authenticate must not silently do neither. */
function checkProtocols(config: BrokerConfig, listeners: readonly NamedAddress[]): void {
  const protocols = new Map(
    (config.text('listener.security.protocol.map') ?? '').split(',').map((entry) => {
      const [name = '', protocol = ''] = entry.split(':').map((part) => part.trim().toUpperCase())
      return [name, protocol] as const
    }),
  )
  for (const { name } of listeners) {
    const protocol = protocols.get(name)
    if (protocol === 'PLAINTEXT') continue
    throw new ConfigError(
      protocol === undefined
        ? `listener ${name} has no security protocol: add ${name}:PLAINTEXT to listener.security.protocol.map`
        : `listener ${name} has security protocol ${protocol}, which is not served: only PLAINTEXT is`,
    )
  }
}

function checkPorts(listeners: readonly NamedAddress[]): void {
  const taken = new Map<string, string>()
  for (const { name, host, port } of listeners) {
    if (port === 0) continue
    const address = `${isEveryAddress(host) ? '' : host}:${port}`
    const other = taken.get(address)
    if (other !== undefined) {
      throw new ConfigError(`listeners ${other} and ${name} both have port ${port}: each needs its own`)
    }
    taken.set(address, name)
  }
}

function checkAdvertised(advertised: readonly NamedAddress[], listeners: readonly NamedAddress[]): void {
  for (const { name, host } of advertised) {
    if (!listeners.some((listener) => listener.name === name)) {
      throw new ConfigError(`advertised.listeners names ${name}, which listeners does not have`)
    }
    if (isEveryAddress(host)) {
      throw new ConfigError(
        `advertised.listeners: nobody can connect to '${host}' (${name}): name a host that clients reach, or leave ` +
          'the listener out and each client is told the address that it connected to',
      )
    }
  }
}

function isEveryAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}
