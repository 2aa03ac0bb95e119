import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../compat-tests/broker-process.ts'
import { formatStorage } from '../compat-tests/differential/kafka.ts'
import { javaLibs, javaServer } from '../compat-tests/tools.ts'
import type { Peer } from './measure.ts'
import { runPeer } from './run-peer.ts'

/** What Kafka needs to be one broker alone; all else is as it comes. */
const ALONE: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
}

/**
 * What Kafka's own start script gives the JVM, which by itself takes another collector on a small machine; but for the
 * heap, which is a gigabyte there.
 */
const JVM = [
  '-Xmx768m',
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-Djava.awt.headless=true',
]

/** Apache Kafka 4.3.1 in KRaft mode: broker and controller in one process. */
export const kafka: Peer = {
  name: 'kafka',
  get missing() {
    return javaServer.missing
  },
  storages: ['disk'],
  async start({ configs = {} } = {}) {
    const [port, controllerPort] = [await freePort(), await freePort()]
    return runPeer(port, ({ path }) => {
      const data = join(path, 'data')
      mkdirSync(data)
      const all = {
        ...ALONE,
        'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
        listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
        'log.dirs': data,
        ...configs,
      }
      const properties = join(path, 'server.properties')
      writeFileSync(
        properties,
        Object.entries(all)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      )
      formatStorage(javaLibs, properties)
      const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
      return {
        program: 'java',
        args: [...JVM, quiet, '-cp', join(javaLibs, '*'), 'kafka.Kafka', properties],
      }
    })
  },
}
