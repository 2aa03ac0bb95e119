import type { Random } from '../clock.ts'

/** A random id in Kafka's text form. Kafka keeps those out that begin with a dash, since they trip command-line tools. */
export function randomUuid(random: Random): string {
  for (;;) {
    const id = random.bytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
