/**
 * What each client's tests show, and the table of it in PROTOCOL.md. features.json names the features, the clients
 * and what a client lacks; everything else is claimed to pass. A client's test file takes its tests from
 * `featuresOf`, and `complete` fails when a claimed feature has no test or a lacking one has: the table cannot claim
 * what no test shows.
 */
import { expect, test } from 'vitest'
import { readFeatureTable } from './feature-table.ts'
import { PATIENCE } from './until.ts'

/** The tests of one client's features. */
export interface FeatureTests {
  /** The version of the client that the table names. */
  readonly version: string
  /** Every feature that the table claims for this client. */
  readonly claimed: readonly string[]
  /** A test that shows `feature`. Tests of one file run side by side. */
  shows(feature: string, body: () => Promise<void>): void
  /** To be called last: tests that exactly the claimed features were shown. */
  complete(): void
}

/** @throws Error when the table does not know the client. */
export function featuresOf(clientName: string): FeatureTests {
  const { features, clients } = readFeatureTable()
  const client = clients.find(({ name }) => name === clientName)
  if (client === undefined) throw new Error(`features.json knows no client ${clientName}`)
  const claimed = features.filter((feature) => client.lacks[feature] === undefined)
  const shown: string[] = []
  return {
    version: client.version,
    claimed,
    shows(feature, body) {
      shown.push(feature)
      test.concurrent(feature, PATIENCE, body)
    },
    complete() {
      test('the table claims what is tested here, and nothing else', () => {
        expect(shown.toSorted()).toEqual(claimed.toSorted())
        expect(features).toEqual(expect.arrayContaining(Object.keys(client.lacks)))
      })
    },
  }
}
