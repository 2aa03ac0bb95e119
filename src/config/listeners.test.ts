import { describe, expect, it } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import { ConfigError } from './config-error.ts'
import { type ListenerConfig, listenersOf } from './listeners.ts'

function parse(listeners: string, more: Record<string, string> = {}): readonly ListenerConfig[] {
  return listenersOf(new BrokerConfig({ overrides: { listeners, ...more } }))
}

/** Every listener speaks plaintext. */
function plain(...names: string[]): Record<string, string> {
  return { 'listener.security.protocol.map': names.map((name) => `${name}:PLAINTEXT`).join(',') }
}

describe('an address', () => {
  it.each([
    ['PLAINTEXT://:9092', null, 9092],
    ['PLAINTEXT://0.0.0.0:9092', null, 9092],
    ['PLAINTEXT://[::]:9092', null, 9092],
    ['PLAINTEXT://:::9092', null, 9092],
    ['PLAINTEXT://[::1]:9092', '::1', 9092],
    ['PLAINTEXT://::1:9092', '::1', 9092],
    ['PLAINTEXT://[fe80::1%eth0]:0', 'fe80::1%eth0', 0],
    ['plaintext://my_host-1.example.com:65535', 'my_host-1.example.com', 65535],
    [' PLAINTEXT://localhost:0 ', 'localhost', 0],
  ])('%s', (text, host, port) => {
    expect(parse(text)).toEqual([{ name: 'PLAINTEXT', host, port, advertised: null }])
  })

  it.each([
    'localhost:9092',
    'PLAINTEXT://localhost',
    'PLAINTEXT://localhost:',
    'PLAINTEXT://localhost:-1',
    'PLAINTEXT://localhost:65536',
    'PLAINTEXT://localhost:9092x',
    'PLAINTEXT://[::1:9092',
    'PLAINTEXT://a b:9092',
    '://localhost:9092',
  ])('%s is none', (text) => {
    expect(() => parse(text)).toThrow(ConfigError)
    expect(() => parse(text)).toThrow('is not of the form NAME://host:port')
  })
})

describe('several listeners', () => {
  it('each have a name and a port of their own', () => {
    const names = plain('IN', 'OUT')
    expect(parse('IN://:9092,OUT://:9093', names).map(({ name, port }) => [name, port])).toEqual([
      ['IN', 9092],
      ['OUT', 9093],
    ])
    expect(() => parse('IN://:9092,in://:9093', names)).toThrow('two listeners called IN')
    expect(() => parse('IN://:9092,OUT://0.0.0.0:9092', names)).toThrow('IN and OUT both have port 9092')
    expect(parse('IN://:0,OUT://:0', names)).toHaveLength(2)
    expect(parse('IN://127.0.0.1:9092,OUT://[::1]:9092', names)).toHaveLength(2)
  })

  it('leave out the controller, whatever the case of its name', () => {
    const listeners = 'PLAINTEXT://:9092,CONTROLLER://:9093'
    const controller = { 'controller.listener.names': 'controller' }
    expect(parse(listeners, controller).map(({ name }) => name)).toEqual(['PLAINTEXT'])
    const advertised = { 'advertised.listeners': 'PLAINTEXT://a:1,CONTROLLER://b:2' }
    expect(parse(listeners, { ...controller, ...advertised })).toMatchObject([
      { name: 'PLAINTEXT', advertised: { host: 'a', port: 1 } },
    ])
  })

  it('are at least one', () => {
    expect(() => parse('CONTROLLER://:9093', { 'controller.listener.names': 'CONTROLLER' })).toThrow(
      'listeners names no listener for clients',
    )
    expect(() => parse('')).toThrow(ConfigError)
  })
})

describe('what is advertised', () => {
  it('belongs to the listener of that name; the others tell clients where they have connected to', () => {
    const more = { ...plain('IN', 'OUT'), 'advertised.listeners': 'out://[2001:db8::1]:19092' }
    expect(parse('IN://:9092,OUT://:9093', more).map(({ advertised }) => advertised)).toEqual([
      null,
      { host: '2001:db8::1', port: 19092 },
    ])
  })

  it.each([
    ['OTHER://a:1', 'names OTHER, which listeners does not have'],
    ['PLAINTEXT://:9092', 'nobody can connect to'],
    ['PLAINTEXT://0.0.0.0:9092', 'nobody can connect to'],
    ['PLAINTEXT://[::]:9092', 'nobody can connect to'],
    ['PLAINTEXT://a:1,PLAINTEXT://b:2', 'two listeners called PLAINTEXT'],
  ])('cannot be %s', (text, reason) => {
    expect(() => parse('PLAINTEXT://:9092', { 'advertised.listeners': text })).toThrow(reason)
  })
})

describe('the security protocol', () => {
  it('is the one that the map gives the name', () => {
    const map = { 'listener.security.protocol.map': ' in : plaintext ,OUT:SASL_SSL' }
    expect(parse('IN://:9092', map)).toHaveLength(1)
    expect(() => parse('OUT://:9092', map)).toThrow('listener OUT has security protocol SASL_SSL')
    expect(() => parse('PLAINTEXT://:9092', map)).toThrow('add PLAINTEXT:PLAINTEXT to')
  })

  it('is not served when it is more than plaintext', () => {
    expect(() => parse('SSL://:9092')).toThrow('listener SSL has security protocol SSL')
  })
})
