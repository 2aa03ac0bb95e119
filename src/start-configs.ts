/** The configs that a broker starts with: what it was told, and what follows from its options. */
import { dataDirOf, nodeIdOf } from './broker-storage.ts'
import type { ClusterOptions } from './cluster-options.ts'
import { ConfigError } from './config/config-error.ts'
import { hostAndPort } from './server/addresses.ts'

/**
 * The configs to start with: those that are given, and what options beside them come to.
 * @throws ConfigError when an option and a config say the same thing twice.
 */
export async function brokerConfigs(options: ClusterOptions): Promise<Readonly<Record<string, string>>> {
  return ownNodeId(withListeners(options), options)
}

/** Where there are no listeners, one for the port and host of the options. */
function withListeners(options: ClusterOptions): Readonly<Record<string, string>> {
  const { port, host } = options
  const config = withDataDir(options)
  if (config['listeners'] === undefined) {
    const address = host === '*' ? '' : (host ?? 'localhost')
    return {
      ...defaultConfigs(config),
      listeners: `PLAINTEXT://${hostAndPort(address, port ?? 0)}`,
      ...config,
    }
  }
  if (port !== undefined || host !== undefined) {
    throw new ConfigError(
      'both the config listeners and a port or host are given: listeners names its own ports',
    )
  }
  return { ...defaultConfigs(config), ...config }
}

/** What the broker is, in Kafka's words, unless it is told otherwise: its id also by its older name. */
function defaultConfigs(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return {
    'node.id': config['broker.id'] ?? '1',
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
  }
}

function withDataDir({ dataDir, config = {} }: ClusterOptions): Readonly<Record<string, string>> {
  if (dataDir === undefined) return config
  for (const name of ['log.dirs', 'log.dir']) {
    if (config[name] === undefined) continue
    throw new ConfigError(
      `both the data directory ${dataDir} and the config ${name} are given: leave one out`,
    )
  }
  return { ...config, 'log.dirs': dataDir }
}

/** Who has not said which node they are is the one that the data directory belongs to. */
async function ownNodeId(
  config: Readonly<Record<string, string>>,
  options: ClusterOptions,
): Promise<Readonly<Record<string, string>>> {
  const isSaid = options.config?.['node.id'] !== undefined || options.config?.['broker.id'] !== undefined
  const dataDir = isSaid ? null : dataDirOf({ givenText: (name) => config[name] })
  const nodeId = dataDir === null ? undefined : await nodeIdOf(dataDir)
  return nodeId === undefined ? config : { ...config, 'node.id': nodeId }
}
