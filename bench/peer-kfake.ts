import { freePort } from '../compat-tests/broker-process.ts'
import { goProgram } from './go-program.ts'
import type { Peer } from './measure.ts'
import { runPeer } from './run-peer.ts'

const program = goProgram('kfake', 'kfake')

/** franz-go's fake Kafka, one broker in a process of its own. */
export const kfake: Peer = {
  name: 'kfake',
  get missing() {
    return program.missing
  },
  storages: ['memory'],
  async start({ configs = {} } = {}) {
    const port = await freePort()
    const settings = Object.entries(configs).flatMap(([key, value]) => ['-config', `${key}=${value}`])
    return runPeer(port, () => ({ program: program.path, args: ['-port', `${port}`, ...settings] }))
  },
}
