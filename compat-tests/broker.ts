/**
 * The broker that a client's tests talk to: ottla, started in the test's own process, or, where OTTLA_BOOTSTRAP
 * names one (`host:port`), a broker that runs already. Apache Kafka is such a one: every test must pass there too,
 * so each takes topic and group names of its own from `unique`.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TestBroker extends AsyncDisposable {
  /** `host:port`, as every client wants it. */
  readonly bootstrapServers: string
}

type RequestListener = (request: {
  readonly apiName: string
  readonly version: number
  readonly clientId: string | null
}) => void

/** API name → versions that were asked for, per client. */
export type Exercised = Record<string, number[]>

/**
 * @param client whose tests these are: with OTTLA_RECORD_EXERCISED=DIR, the APIs and versions that the broker was
 *   asked for are written to DIR under this name when the broker stops (see scripts/record-exercised.ts).
 * @param onRequest told of every request to ottla, before it is answered; a broker that runs already tells nothing.
 * @param config broker configs for ottla; a broker that runs already has its own.
 */
export async function startBroker(
  client: string,
  onRequest?: RequestListener,
  config?: Readonly<Record<string, string>>,
): Promise<TestBroker> {
  const { OTTLA_BOOTSTRAP } = process.env
  if (OTTLA_BOOTSTRAP) {
    return { bootstrapServers: OTTLA_BOOTSTRAP, [Symbol.asyncDispose]: async () => {} }
  }
  const { startCluster } = await import('../src/index.ts')
  const seen = new Map<string, Set<number>>()
  const cluster = await startCluster({
    port: 0,
    config,
    onRequest: (request) => {
      onRequest?.(request)
      const { apiName, version, clientId } = request
      if (clientId === PROBE_CLIENT_ID) return
      const versions = seen.get(apiName) ?? new Set()
      seen.set(apiName, versions.add(version))
    },
  })
  return {
    bootstrapServers: cluster.bootstrapServers,
    async [Symbol.asyncDispose]() {
      await cluster.stop()
      writeExercised(client, seen)
    },
  }
}

/** The client id of the tests' own raw requests, which are no client's. */
export const PROBE_CLIENT_ID = 'compat-tests-probe'

/** A topic or group name that no other test and no earlier run has used. */
export function unique(name: string): string {
  return `${name}-${randomBytes(5).toString('hex')}`
}

function writeExercised(client: string, seen: ReadonlyMap<string, ReadonlySet<number>>): void {
  const { OTTLA_RECORD_EXERCISED: directory } = process.env
  if (!directory) return
  const exercised: Exercised = {}
  for (const [apiName, versions] of seen) exercised[apiName] = [...versions]
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, `${unique('exercised')}.json`), JSON.stringify({ client, exercised }))
}
