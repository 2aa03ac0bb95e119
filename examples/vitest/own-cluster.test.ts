/** A cluster for each test: it can be looked into, and a test decides what time it is. */
import { Kafka, logLevel } from 'kafkajs'
import { ManualClock } from 'ottla'
import { test as base } from 'ottla/vitest'
import { describe, expect } from 'vitest'
import { startBilling } from './orders.ts'

const clock = new ManualClock()
const test = base.extend({ kafkaOptions: { topics: ['orders', 'invoices'], clock } })

describe('billing', () => {
  test('invoices an order', async ({ kafka }) => {
    const stop = await startBilling(client(kafka.bootstrapServers), 'orders', 'invoices')
    await kafka.topic('orders').produce([{ key: 'a', value: '{"id":1,"amount":100}' }])

    const invoice = await kafka.topic('invoices').waitFor((record) => String(record.key) === 'a')
    expect(invoice.json()).toEqual({ order: 1, total: 125 })
    await expect.poll(() => kafka.group('billing of orders').lag()).toBe(0)
    await stop()
  })

  test('goes on where it was after an hour without orders', async ({ kafka }) => {
    const stop = await startBilling(client(kafka.bootstrapServers), 'orders', 'invoices')
    const group = kafka.group('billing of orders')
    await group.waitStable(1)
    await clock.advance('1h')
    expect(group.state).toBe('Stable')

    await kafka.topic('orders').produce(['{"id":2,"amount":8}'])
    const invoice = await kafka.topic('invoices').waitFor(() => true)
    expect(invoice.json()).toEqual({ order: 2, total: 10 })
    await stop()
  })
})

function client(bootstrapServers: string): Kafka {
  return new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING })
}
