/** Looks at a log's files as DumpLogSegments does: whole batches in order, and indexes that point where they should. */
import { decodeProducers } from '../../log/producer-snapshot.ts'
import { decodeAborted } from '../../log/transaction-index.ts'
import type { SimulatedDisk } from '../../storage/simulated-disk.suite.ts'
import * as batch from '../../wire/batch.ts'
import { DATA_DIR } from './world.suite.ts'

/** @throws Error that says which file is wrong. To be called after a clean stop. */
export function checkFiles(disk: SimulatedDisk): void {
  for (const directory of disk.peekNames(DATA_DIR).filter((name) => /^[^.]+-\d+$/.test(name))) {
    checkLogFiles(disk, `${DATA_DIR}/${directory}`)
  }
}

interface BatchPlace {
  readonly position: number
  readonly base: bigint
  readonly last: bigint
  readonly maxTimestamp: bigint
}

function checkLogFiles(disk: SimulatedDisk, directory: string): void {
  const names = disk.peekNames(directory)
  const unfinished = names.filter((name) => /\.(tmp|swap|cleaned)$/.test(name))
  if (unfinished.length > 0) throw new Error(`${directory} has ${unfinished} after a clean stop`)
  const bases = names.filter((name) => name.endsWith('.log')).map((name) => BigInt(name.slice(0, 20)))
  let end = bases[0] ?? 0n
  for (const base of bases) {
    const path = `${directory}/${String(base).padStart(20, '0')}`
    if (base < end) throw new Error(`${path}.log begins below ${end}`)
    const places = checkBatches(`${path}.log`, disk.peek(`${path}.log`) as Buffer, base)
    end = (places.at(-1)?.last ?? base - 1n) + 1n
    checkIndexes(disk, path, base, places)
    const aborted = disk.peek(`${path}.txnindex`)
    const transactions = aborted === null ? [] : decodeAborted(aborted, base)
    const isOutside = transactions?.some(({ lastOffset }) => lastOffset < base || lastOffset >= end)
    if (transactions === null || isOutside) throw new Error(`${path}.txnindex is wrong`)
  }
  for (const name of names.filter((candidate) => candidate.endsWith('.snapshot'))) {
    const isRight =
      BigInt(name.slice(0, 20)) <= end && decodeProducers(disk.peek(`${directory}/${name}`) as Buffer)
    if (!isRight) throw new Error(`${directory}/${name} is wrong: the log ends at ${end}`)
  }
  checkEpochs(disk, directory, end)
}

function checkBatches(path: string, bytes: Buffer, base: bigint): readonly BatchPlace[] {
  const places: BatchPlace[] = []
  let next = base
  let position = 0
  for (const at of batch.wholeBatches(bytes)) {
    const place = {
      position: at,
      base: batch.baseOffset(bytes, at),
      last: batch.lastOffset(bytes, at),
      maxTimestamp: batch.maxTimestamp(bytes, at),
    }
    if (place.base < next || !batch.isCrcValid(bytes, at)) throw new Error(`${path} is broken at ${at}`)
    next = place.last + 1n
    position = at + batch.LOG_OVERHEAD_BYTES + batch.batchLength(bytes, at)
    places.push(place)
  }
  if (position !== bytes.length)
    throw new Error(`${path} has ${bytes.length - position} bytes behind its batches`)
  return places
}

function checkIndexes(disk: SimulatedDisk, path: string, base: bigint, places: readonly BatchPlace[]): void {
  const offsets = disk.peek(`${path}.index`) ?? Buffer.alloc(0)
  const times = disk.peek(`${path}.timeindex`) ?? Buffer.alloc(0)
  if (offsets.length % 8 !== 0 || times.length % 12 !== 0) throw new Error(`${path} has torn indexes`)
  for (let at = 0; at < offsets.length; at += 8) {
    const offset = base + BigInt(offsets.readInt32BE(at))
    const place = places.find(({ position }) => position === offsets.readInt32BE(at + 4))
    if (place === undefined || offset < place.base || offset > place.last) {
      throw new Error(`${path}.index points from ${offset} to ${offsets.readInt32BE(at + 4)}`)
    }
  }
  let before = -1n
  for (let at = 0; at < times.length; at += 12) {
    const timestamp = times.readBigInt64BE(at)
    const offset = base + BigInt(times.readInt32BE(at + 8))
    const latest = places
      .filter((place) => place.base <= offset)
      .reduce((most, { maxTimestamp }) => (maxTimestamp > most ? maxTimestamp : most), -1n)
    if (timestamp <= before || latest !== timestamp) {
      throw new Error(`${path}.timeindex says ${timestamp} for ${offset}, where ${latest} is the latest`)
    }
    before = timestamp
  }
}

function checkEpochs(disk: SimulatedDisk, directory: string, end: bigint): void {
  const text = disk.peek(`${directory}/leader-epoch-checkpoint`)?.toString()
  if (text === undefined) return
  const [version, count, ...lines] = text.trimEnd().split('\n')
  let [epochBefore, startBefore] = [-1n, -1n]
  for (const line of lines) {
    const [epoch = -1n, start = -1n] = line.split(' ').map(BigInt)
    const isRight = epoch > epochBefore && start >= startBefore && start <= end
    if (!isRight) throw new Error(`${directory}/leader-epoch-checkpoint is wrong at ${line}`)
    epochBefore = epoch
    startBefore = start
  }
  if (version !== '0' || Number(count) !== lines.length)
    throw new Error(`${directory}/leader-epoch-checkpoint: ${text}`)
}
