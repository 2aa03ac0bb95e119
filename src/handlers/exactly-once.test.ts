/** Applications that process records exactly once, whatever stops: the broker, or one of them. */
import { describe, expect, it } from 'vitest'
import type { LogStore } from '../storage/log-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { SlowStore } from '../storage/slow-store.suite.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { KafkaError } from '../wire/kafka-error.ts'
import { findCoordinatorHandler } from './find-coordinator.ts'
import { batchOf, produce, type TestBroker, testBroker } from './harness.suite.ts'
import { Processor, type Protocol, RefusedError } from './processor.suite.ts'

const INPUT = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const OUTPUT = INPUT.map((value) => value.toUpperCase())
const CONFIG = { 'offsets.topic.num.partitions': '3', 'transaction.state.log.num.partitions': '3' }

const protocols: readonly Protocol[] = ['V1', 'V2']
const throughs: readonly (readonly [string, (store: LogStore) => LogStore])[] = [
  ['at once', (store) => store],
  ['late', (store) => new SlowStore(store)],
]
const cases = protocols.flatMap((protocol) => throughs.map(([how, through]) => ({ protocol, how, through })))

describe.each(cases)('$protocol, in a store that answers $how', ({ protocol, through }) => {
  it('an application processes each record once', async () => {
    const world = await World.start(through)
    await world.processor(protocol).run()
    await world.expectExactlyOnce(protocol)
  })

  it('whenever the broker is stopped and started again', async () => {
    for (let at = 0; ; at++) {
      const world = await World.start(through)
      world.beforeRequest = async (count) => {
        if (count === at) await world.restart()
      }
      await world.processor(protocol).run()
      await world.expectExactlyOnce(protocol)
      if (world.requests < at) return
    }
  }, 60_000)

  it('whenever the application dies and another takes its place', async () => {
    for (let at = 0; ; at++) {
      const world = await World.start(through)
      let zombie: Processor | undefined
      world.beforeRequest = async (count) => {
        if (count !== at) return
        zombie = world.processor(protocol)
        await world.processor(protocol).run()
      }
      const first = world.processor(protocol).run()
      // The one whose place was taken goes on as if nothing had happened, and must not get far.
      const refused = await first.then(
        () => null,
        (error: unknown) => error,
      )
      if (refused !== null) {
        expect(refused).toBeInstanceOf(RefusedError)
        expect(FENCED).toContain((refused as RefusedError).code)
      }
      await world.expectExactlyOnce(protocol)
      if (zombie === undefined) return
    }
  }, 60_000)
})

describe.each(protocols)('%s', (protocol) => {
  it.each([
    ['before', false],
    ['after', true],
  ])(
    'loses nothing when the broker dies %s any change of what is stored',
    async (_, isMade) => {
      for (let at = 1; ; at++) {
        const memory = new MemoryStore()
        const mortal = (): DyingStore => new DyingStore(memory)
        let store = mortal()
        const world = await World.start(() => store)
        store.dieAt(at, isMade)
        world.beforeRequest = async () => {
          if (!store.isDead) return
          store = mortal()
          await world.restart(store)
        }
        world.lost = () => store.died
        await world.processor(protocol).run()
        const { isDead } = store
        if (isDead) await world.restart(mortal())
        world.lost = () => new Promise(() => {})
        await world.expectRecords(protocol)
        if (world.restarts === 0) return
      }
    },
    60_000,
  )
})

const FENCED: readonly number[] = [ErrorCode.INVALID_PRODUCER_EPOCH, ErrorCode.PRODUCER_FENCED]

/** A store that can be changed so many times and no more. */
class DyingStore extends SlowStore {
  readonly died: Promise<void>
  isDead = false
  #left = Number.POSITIVE_INFINITY
  #isLastMade = false
  #die: () => void = () => {}

  constructor(inner: LogStore) {
    super(inner)
    this.died = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  /** The change of that number from now on is the last, made or not; nobody hears of it. */
  dieAt(change: number, isMade: boolean): void {
    this.#left = change
    this.#isLastMade = isMade
  }

  override async change(name: string, call: () => void | Promise<void>): Promise<void> {
    if (this.isDead) throw new Error('the store is dead')
    if (--this.#left > 0) return super.change(name, call)
    this.isDead = true
    if (this.#isLastMade) await super.change(name, call)
    this.#die()
    throw new Error('the store is dead')
  }
}

class World {
  requests = 0
  restarts = 0
  beforeRequest: (count: number) => Promise<void> = async () => {}
  /** Settles when the broker that is there now has died, and its clients' connections with it. */
  lost: () => Promise<void> = () => new Promise(() => {})
  #store: LogStore
  #broker: TestBroker

  private constructor(store: LogStore, broker: TestBroker) {
    this.#store = store
    this.#broker = broker
  }

  static async start(through: (store: LogStore) => LogStore): Promise<World> {
    const store = through(new MemoryStore())
    const broker = await testBroker({ store, topics: ['in', 'out'], config: CONFIG })
    await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 0, coordinatorKeys: ['app'] })
    await broker.ask(findCoordinatorHandler, 4, { key: '', keyType: 1, coordinatorKeys: ['tx'] })
    for (const value of INPUT) await produce(broker, 'in', batchOf(value))
    return new World(store, broker)
  }

  /** Every other pair of records is processed in vain first. */
  processor(protocol: Protocol): Processor {
    const spared = new Set<string>()
    return new Processor({
      protocol,
      broker: async () => {
        await this.beforeRequest(this.requests++)
        return this.#connected(this.#broker)
      },
      aborts: ([first = '']) => {
        if (first !== 'c' || spared.has(first)) return false
        spared.add(first)
        return true
      },
    })
  }

  /** With a store, on what that has; otherwise after an orderly stop, on the store that there was. */
  async restart(store?: LogStore): Promise<void> {
    this.restarts++
    if (store !== undefined) {
      this.#store = store
      this.#broker = await testBroker({ store, config: CONFIG })
      return
    }
    const { services } = this.#broker
    services.groups.stop()
    services.transactions.stop()
    await services.replicas.close()
    await services.controller.close()
    this.#broker = await testBroker({ store: this.#store, config: CONFIG })
  }

  #connected(broker: TestBroker): TestBroker {
    const lost = this.lost().then(() => {
      throw new KafkaError(ErrorCode.NETWORK_EXCEPTION, 'the broker has died')
    })
    lost.catch(() => {})
    return {
      ...broker,
      ask: (handler, version, request) => Promise.race([broker.ask(handler, version, request), lost]),
    }
  }

  async expectExactlyOnce(protocol: Protocol): Promise<void> {
    await this.expectRecords(protocol)
    expect(this.#broker.lines).toEqual([])
  }

  async expectRecords(protocol: Protocol): Promise<void> {
    const { requests } = this
    this.beforeRequest = async () => {}
    const reader = this.processor(protocol)
    expect(await reader.read('out')).toEqual(OUTPUT)
    expect(await reader.committed()).toBe(BigInt(INPUT.length))
    this.requests = requests
  }
}
