import { freePort } from '../compat-tests/broker-process.ts'
import type { Peer, PeerName } from './measure.ts'
import { type InstallationKind, ottlaInstallation } from './ottla-installation.ts'
import { runPeer } from './run-peer.ts'

export const ottla: Peer = ottlaPeer('ottla', 'complete')

/** What those get for whose platform @node-rs/crc32 has no binary. */
export const ottlaJsCrc: Peer = ottlaPeer('ottla-js-crc', 'without optional dependencies')

function ottlaPeer(name: PeerName, kind: InstallationKind): Peer {
  return {
    name,
    missing: undefined,
    storages: ['memory', 'disk'],
    async start({ storage = 'memory', configs = {} } = {}) {
      const { folder, program } = await ottlaInstallation(kind)
      const port = await freePort()
      return runPeer(port, ({ path }) => {
        const args = [program, '--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'warn']
        if (storage === 'disk') args.push('--data-dir', `${path}/data`)
        for (const [key, value] of Object.entries(configs)) args.push('-c', `${key}=${value}`)
        return { program: process.execPath, args, cwd: folder }
      })
    },
  }
}
