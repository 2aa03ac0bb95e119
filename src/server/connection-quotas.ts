/**
 * How many connections there may be: on the broker, on one listener, from one address (KIP-402, KIP-612). Limits
 * count from the moment that they are set; nobody who is connected is sent away.
 */

import type { BrokerConfig } from '../config/broker-config.ts'
import { perIpOverrides } from '../config/broker-rules.ts'

export class ConnectionQuotas {
  readonly #config: BrokerConfig
  readonly #byAddress = new Map<string, number>()
  readonly #byListener = new Map<string, number>()
  readonly #onRoom: (() => void)[] = []
  #total = 0
  #overrides: ReadonlyMap<string, number> = new Map()
  #revision = -1

  constructor(config: BrokerConfig) {
    this.#config = config
    config.watch(() => this.#tell())
  }

  /** Calls back whenever there may be room where there was none. */
  watch(onRoom: () => void): void {
    this.#onRoom.push(onRoom)
  }

  /** Whether a listener may take one more connection now; whoever comes meanwhile has to wait. */
  hasRoom(listener: string): boolean {
    const own = this.#config.setText(`listener.name.${listener.toLowerCase()}.max.connections`)
    return (
      this.#total < this.#config.get('max.connections') &&
      (own === undefined || (this.#byListener.get(listener) ?? 0) < Number(own))
    )
  }

  /** How many connections an address may have. */
  limitOf(address: string): number {
    if (this.#revision !== this.#config.revision) {
      this.#revision = this.#config.revision
      this.#overrides = addressLimits(this.#config.get('max.connections.per.ip.overrides'))
    }
    return this.#overrides.get(address) ?? this.#config.get('max.connections.per.ip')
  }

  /** Counts a connection, unless its address has as many as it may have. */
  add(listener: string, address: string): boolean {
    const count = this.#byAddress.get(address) ?? 0
    if (count >= this.limitOf(address)) return false
    this.#byAddress.set(address, count + 1)
    this.#byListener.set(listener, (this.#byListener.get(listener) ?? 0) + 1)
    this.#total++
    return true
  }

  /** Takes back what `add` counted. */
  remove(listener: string, address: string): void {
    const count = (this.#byAddress.get(address) ?? 0) - 1
    if (count > 0) this.#byAddress.set(address, count)
    else this.#byAddress.delete(address)
    this.#byListener.set(listener, (this.#byListener.get(listener) ?? 0) - 1)
    this.#total--
    this.#tell()
  }

  #tell(): void {
    for (const onRoom of this.#onRoom) onRoom()
  }
}

/** `localhost` is the one name that is known without asking anybody. */
function addressLimits(text: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>()
  for (const [host, limit] of perIpOverrides(text)) {
    for (const address of host === 'localhost' ? ['127.0.0.1', '::1'] : [host]) limits.set(address, limit)
  }
  return limits
}
