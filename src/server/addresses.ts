import { isIPv6 } from 'node:net'

const MAPPED = '::ffff:'

/** An IPv4 address that came over a dual-stack socket (`::ffff:127.0.0.1`), as the plain one that it is. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address
}

/** A client's address as Kafka prints it, which is Java's way: `/127.0.0.1`, `/0:0:0:0:0:0:0:1`. */
export function clientHost(address: string): string {
  const plain = plainAddress(address)
  return `/${isIPv6(plain) ? uncompressed(plain) : plain}`
}

/** `host:port` as it stands in a URL or a list of bootstrap servers: an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function uncompressed(address: string): string {
  const [groups = '', zone] = address.split('%')
  const [head = '', tail] = groups.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const all = [...before, ...new Array<string>(zeros).fill('0'), ...after].join(':')
  return zone === undefined ? all : `${all}%${zone}`
}
