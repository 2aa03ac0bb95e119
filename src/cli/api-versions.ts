/** `ottla api-versions`: what each broker of a cluster serves, as kafka-broker-api-versions prints it. */
import { readFileSync } from 'node:fs'
import { metadataApi } from '../wire/messages/metadata.ts'
import { Client, connectTo } from './client.ts'
import { CLIENT_APIS } from './client-apis.ts'
import { checkCommandConfig } from './command-config.ts'
import { type OptionTable, parseOptions } from './command-options.ts'
import { UsageError } from './usage-error.ts'

export const API_VERSIONS_HELP = `Prints which APIs the brokers of a cluster serve, in which versions.

Usage: ottla api-versions --bootstrap-server <host:port> [options]

      --bootstrap-server <servers>  whom to ask; waits up to 60 s until somebody answers
      --check                       print nothing: the exit code says whether the broker answers within 3 s
                                    (whom, when left out: whoever the environment names, or listens in this container)
      --command-config <file>       configs of an admin client: taken note of, with no effect
`

const OPTIONS: OptionTable = {
  'bootstrap-server': 'value',
  'command-config': 'value',
  check: 'flag',
  help: 'flag',
}

const TIMEOUT_MS = 60_000
const CHECK_TIMEOUT_MS = 3_000

/** @throws UsageError or ClientError */
export async function apiVersions(
  args: readonly string[],
  print: (text: string) => void,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const options = parseOptions(OPTIONS, args)
  if (options.has('help')) {
    print(API_VERSIONS_HELP)
    return
  }
  checkCommandConfig(options)
  const given = options.get('bootstrap-server')?.at(-1)
  if (options.has('check')) {
    const client = await connectTo(given ?? ownAddresses(environment), CHECK_TIMEOUT_MS)
    client.close()
    return
  }
  if (given === undefined) throw new UsageError('--bootstrap-server must be specified, as in localhost:9092')
  const first = await connectTo(given, TIMEOUT_MS)
  const request = {
    topics: [],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  }
  const { brokers } = await first.send(metadataApi, request).finally(() => first.close())
  for (const { host, port, nodeId, rack } of brokers) {
    // One broker is the one that has answered, even where it is told to others by a name that is not known here.
    const client = brokers.length === 1 ? first : await Client.open({ host, port }, TIMEOUT_MS)
    client.close()
    const name = `${host}:${port} (id: ${nodeId} rack: ${rack ?? 'null'} isFenced: false)`
    print(`${name} -> (\n\t${linesOf(client).join(',\n\t')}\n)\n`)
  }
}

/** That, and then whatever is listened on: the broker may have been told its port in another way. */
function ownAddresses(environment: Readonly<Record<string, string | undefined>>): string {
  const ports = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => {
    try {
      return listeningPorts(readFileSync(file, 'latin1'))
    } catch {
      // There is no such file but on Linux.
      return []
    }
  })
  return [ownAddress(environment), ...Array.from(new Set(ports), (port) => `localhost:${port}`)].join(',')
}

/** The ports in a table of sockets as Linux shows it: addresses in hexadecimal, 0A for those that listen. */
export function listeningPorts(table: string): readonly number[] {
  const rows = table.matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm)
  return Array.from(rows, ([, port = '']) => Number.parseInt(port, 16))
}

/** Where the broker of the same container listens: its first listener that is not the controller's. */
export function ownAddress(environment: Readonly<Record<string, string | undefined>>): string {
  const named = [
    environment['KAFKA_CFG_LISTENERS'],
    environment['KAFKA_LISTENERS'],
    environment['KAFKA_CFG_ADVERTISED_LISTENERS'],
    environment['KAFKA_ADVERTISED_LISTENERS'],
  ].find((listeners) => listeners !== undefined && listeners !== '')
  const controllers = (environment['KAFKA_CONTROLLER_LISTENER_NAMES'] ?? 'CONTROLLER')
    .toUpperCase()
    .split(',')
  for (const listener of named?.split(',') ?? []) {
    const [, name = '', host = '', port] = /^([^:]+):\/\/(.*):(\d+)$/.exec(listener.trim()) ?? []
    if (port === undefined || controllers.includes(name.toUpperCase())) continue
    const isBound = named === environment['KAFKA_LISTENERS'] || named === environment['KAFKA_CFG_LISTENERS']
    const everywhere = !isBound || host === '' || host === '0.0.0.0' || host === '[::]' || host === '::'
    return `${everywhere ? 'localhost' : host}:${port}`
  }
  return 'localhost:9092'
}

function linesOf(client: Client): string[] {
  const served = new Map(client.apis.map((api) => [api.apiKey, api]))
  const lines = new Map<number, string>()
  for (const [key, name, min, max] of CLIENT_APIS) {
    const api = served.get(key)
    const text = api === undefined ? 'UNSUPPORTED' : `${range(api)} [${usable(api, min, max)}]`
    lines.set(key, `${name}(${key}): ${text}`)
  }
  for (const api of client.apis) {
    if (!lines.has(api.apiKey)) lines.set(api.apiKey, `UNKNOWN(${api.apiKey}): ${range(api)}`)
  }
  return [...lines].sort(([left], [right]) => left - right).map(([, line]) => line)
}

interface Range {
  readonly minVersion: number
  readonly maxVersion: number
}

function range({ minVersion, maxVersion }: Range): string {
  return minVersion === maxVersion ? `${minVersion}` : `${minVersion} to ${maxVersion}`
}

function usable({ minVersion, maxVersion }: Range, min: number, max: number): string {
  if (max < minVersion) return 'unusable: node too new'
  if (maxVersion < min) return 'unusable: node too old'
  return `usable: ${Math.min(max, maxVersion)}`
}
