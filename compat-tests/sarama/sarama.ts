/**
 * sarama believes what its user says of the broker (`Config.Version`, 2.8.0 by default) and takes its requests'
 * versions from that, up to what the broker advertises: each such belief is a client of its own.
 */
import { testProgram } from '../program-suite.ts'
import { buildGo, goProgram } from '../tools.ts'

export function testSarama(brokerVersion: string): void {
  testProgram(goProgram('sarama'), `sarama at ${brokerVersion}`, {
    args: [brokerVersion],
    prepare: () => buildGo('sarama'),
  })
}
