/**
 * The long form of the Streams test, and its proof against Apache Kafka itself.
 *
 * usage: npm run streams -- [--version 4.3.1] [--guarantee exactly_once_v2] [--seed NUMBER]
 *   [--broker-kills 20] [--application-kills 10] [--log FILE] [--kafka DIRECTORY-OF-JARS]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BrokerCommand, freePort, ottlaCommand } from '../broker-process.ts'
import { compileStreams, streams } from '../tools.ts'
import { violations } from './outcome.ts'
import { runStreams } from './run-streams.ts'
import { BROKER_CONFIG } from './settings.ts'

const { values } = parseArgs({
  options: {
    version: { type: 'string', default: '4.3.1' },
    guarantee: { type: 'string', default: 'exactly_once_v2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'broker-kills': { type: 'string', default: '20' },
    'application-kills': { type: 'string', default: '10' },
    log: { type: 'string' },
    kafka: { type: 'string' },
  },
})
const { version, guarantee, kafka } = values
const controllerPort = await freePort()
const began = Date.now()
const seconds = (): string => ((Date.now() - began) / 1000).toFixed(1)
console.log(`Kafka Streams ${version}, ${guarantee}, seed ${values.seed}`)
compileStreams(version)
const outcome = await runStreams({
  broker: (port, dataDir) =>
    kafka === undefined
      ? ottlaCommand({ port, dataDir, config: BROKER_CONFIG })
      : kafkaCommand(kafka, port, dataDir),
  java: streams(version),
  guarantee,
  seed: Number(values.seed),
  brokerKills: Number(values['broker-kills']),
  applicationKills: Number(values['application-kills']),
  logFile: values.log,
  onEvent: (event) => console.log(`${seconds()} s: ${event}`),
})
const found = violations(outcome)
for (const violation of found) console.error(violation)
console.log(`${found.length} broken promises in ${seconds()} s: ${outcome.output.length} words were counted`)
process.exit(found.length === 0 ? 0 : 1)

function kafkaCommand(libs: string, port: number, dataDir: string): BrokerCommand {
  const java = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', join(libs, '*')]
  const properties = join(dataDir, '../server.properties')
  const all = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'log.dirs': dataDir,
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...BROKER_CONFIG,
  }
  if (!existsSync(dataDir)) {
    mkdirSync(dataDir)
    writeFileSync(
      properties,
      Object.entries(all)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    const id = ['format', '-t', 'b3R0bGEtc3RyZWFtcy0tLQ', '-c', properties]
    const done = spawnSync('java', [...java, 'kafka.tools.StorageTool', ...id], { encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`cannot format Kafka's storage: ${done.error ?? done.stderr}`)
  }
  return ['java', ...java, 'kafka.Kafka', properties]
}
