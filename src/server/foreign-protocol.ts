/**
 * Guesses from the four bytes that stand where a request's size should be whether somebody speaks another protocol.
 * @returns what to tell whoever reads the log, or null when the bytes look like nothing known.
 */
export function foreignProtocolHint(sizeBytes: number): string | null {
  const start = Buffer.allocUnsafe(4)
  start.writeInt32BE(sizeBytes)
  const text = start.toString('latin1')
  if (HTTP_STARTS.has(text)) {
    return `it begins with ${JSON.stringify(text)}: this is a Kafka port and not an HTTP one`
  }
  // A TLS record: handshake, major version 3.
  if (start[0] === 0x16 && start[1] === 0x03) {
    return 'it begins like a TLS handshake: this listener speaks plain text, set security.protocol=PLAINTEXT (ssl: false)'
  }
  return null
}

const HTTP_STARTS: ReadonlySet<string> = new Set([
  'GET ',
  'HEAD',
  'POST',
  'PUT ',
  'PATC',
  'DELE',
  'OPTI',
  'TRAC',
  'CONN',
  'PRI ',
  'HTTP',
])
