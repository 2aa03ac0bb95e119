/** Kafka's own ProducerPerformance, which is a producer in Java. */
import { join } from 'node:path'
import { javaLibs, javaServer } from '../compat-tests/tools.ts'
import { processorMs } from './growth/unit.ts'
import type { RunningPeer } from './measure.ts'
import { runProgram } from './processes.ts'

export interface Performance {
  readonly bytes: number
  readonly seconds: number
  /** Not known of a program that does not say when it begins: 0. */
  readonly clientMs: number
  readonly brokerMs: number
}

const WARM_UP_RECORDS = 30_000

export function missingProducerPerformance(): string | undefined {
  return javaServer.missing
}

/**
 * Sends `bytes` to a topic in records of one size, as fast as the broker takes them. Throughput is that after the
 * warm-up, processor time that of everything.
 */
export async function producerPerformance(
  running: RunningPeer,
  topic: string,
  sizeBytes: number,
  bytes: number,
): Promise<Performance> {
  const records = WARM_UP_RECORDS + Math.round(bytes / sizeBytes)
  const beganMs = processorMs(running)
  const output = await runProgram('java', [
    ...['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', join(javaLibs, '*')],
    ...[
      'org.apache.kafka.tools.ProducerPerformance',
      '--bootstrap-server',
      running.bootstrapServers,
      '--topic',
      topic,
    ],
    ...['--num-records', `${records}`, '--record-size', `${sizeBytes}`, '--throughput', '-1'],
    ...['--warmup-records', `${WARM_UP_RECORDS}`],
  ])
  const brokerMs = processorMs(running) - beganMs
  const [, rate] = /steady state records sent, ([\d.]+) records\/sec/.exec(output) ?? []
  if (rate === undefined) throw new Error(`ProducerPerformance has said nothing of a steady state: ${output}`)
  const sent = records * sizeBytes
  return { bytes: sent, seconds: records / Number(rate), clientMs: 0, brokerMs }
}
