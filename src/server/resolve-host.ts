import { lookup } from 'node:dns/promises'

/** Whether this machine finds an address for a host's name. */
export async function resolveHost(name: string): Promise<boolean> {
  try {
    await lookup(name)
    return true
  } catch {
    return false
  }
}
