/** Finds a log's segments in its directory; after a crash only as far as they can be relied on. */
import type { DiskEntry } from './disk.ts'
import { type FileName, fileName, parseFileName, SEGMENT_KINDS } from './file-names.ts'
import { FileSegment, type SegmentHome } from './file-segment.ts'
import type { StoreContext } from './file-store-context.ts'
import type { LogFilesState } from './log-files.ts'
import { emptyFacts } from './segment-index.ts'

/** How long what a log is loaded without stays under another name: Kafka's default of file.delete.delay.ms. */
const KEPT_MS = 60_000

export interface LoadOptions {
  /** Whether the directory was left by a clean shutdown: then nothing is checked. */
  readonly isClean: boolean
  /** Segments below it would have survived a loss of power; those from the one that holds it on are checked. */
  readonly recoveryPoint: bigint
  readonly logStart: bigint
  /** Whether there may be gaps between segments above the recovery point: a JVM's compaction leaves such. */
  readonly mayHaveGaps: boolean
  /** Whether a sync has failed: what is checked is then written again. */
  readonly mustRewrite: boolean
}

interface Found {
  readonly file: FileName
  readonly name: string
}

/**
 * @throws StoreError `failed` when something is broken in a place that was relied on.
 */
export async function loadLog(
  context: StoreContext,
  home: SegmentHome,
  options: LoadOptions,
): Promise<LogFilesState> {
  const { logger } = context
  const found = await sweep(context, home)
  const all = found.filter(({ file }) => file.kind === '.log').map(({ file }) => file.offset)
  all.sort((left, right) => (left < right ? -1 : 1))
  const bases = await dropBelowStart(context, home, all, options.logStart)
  await removeOrphans(context, home, found, all)
  const loaded = await loadSegments(context, home, bases, options)
  const { segments } = loaded
  let { isCut } = loaded
  let endOffset = segments.at(-1)?.endOffset ?? options.logStart
  if (segments.length > 0 && endOffset < options.logStart) {
    logger.warn(
      `${home.log}: ends at ${endOffset}, below its start ${options.logStart}: it starts anew there`,
    )
    await discard(context, segments.splice(0))
    endOffset = options.logStart
    isCut = true
  }
  if (segments.length === 0) segments.push(FileSegment.create(home, endOffset))
  if (isCut) await home.disk.syncDirectory(home.directory)
  const recoveryPoint = options.isClean
    ? endOffset
    : options.recoveryPoint < endOffset
      ? options.recoveryPoint
      : endOffset
  return { segments, endOffset, recoveryPoint }
}

async function loadSegments(
  context: StoreContext,
  home: SegmentHome,
  bases: readonly bigint[],
  options: LoadOptions,
): Promise<{ readonly segments: FileSegment[]; readonly isCut: boolean }> {
  const { logger } = context
  const segments: FileSegment[] = []
  const firstChecked = options.isClean
    ? bases.length
    : Math.max(
        0,
        bases.findLastIndex((base) => base <= options.recoveryPoint),
      )
  const least = options.recoveryPoint > options.logStart ? options.recoveryPoint : options.logStart
  if (bases[0] !== undefined && bases[0] > least && !options.isClean && !options.mayHaveGaps) {
    logger.warn(
      `${home.log}: cut at offset ${least}: the first segment, of ${bases.length}, begins at ${bases[0]}`,
    )
    await discardBases(context, home, bases)
    return { segments: [FileSegment.create(home, least)], isCut: true }
  }
  for (const [index, base] of bases.entries()) {
    const next = bases[index + 1]
    if (index < firstChecked) {
      // It may have been sealed after its end had become the recovery point, and its indexes come later.
      const usesIndexes = options.isClean || next !== options.recoveryPoint
      segments.push(await trusted(context, home, base, { isActive: next === undefined, usesIndexes }))
      continue
    }
    const end = segments.at(-1)?.endOffset ?? base
    if (index > firstChecked && end !== base && !options.mayHaveGaps) {
      logger.warn(
        `${home.log}: cut at offset ${end}: the next segment, of ${bases.length - index}, begins at ${base}`,
      )
      await discardBases(context, home, bases.slice(index))
      return { segments, isCut: true }
    }
    const { segment, problem, fileBytes } = await FileSegment.scan(home, base, true)
    segments.push(segment)
    if (options.mustRewrite) await context.syncs.run(() => segment.rewrite())
    if (problem === null) continue
    const { sizeBytes, endOffset } = segment
    logger.warn(
      `${home.log}: cut at offset ${endOffset}, ${fileBytes - sizeBytes} bytes of ${fileName(base, '.log')} from position ${sizeBytes} on: ${problem}`,
    )
    await segment.trim()
    if (next !== undefined) {
      const behind = bases.slice(index + 1)
      logger.warn(`${home.log}: removed ${behind.length} segments behind offset ${endOffset}`)
      await discardBases(context, home, behind)
    }
    return { segments, isCut: true }
  }
  return { segments, isCut: false }
}

/** The last one of a JVM's log may be torn where its shutdown was clean by name only. */
async function trusted(
  context: StoreContext,
  home: SegmentHome,
  base: bigint,
  { isActive, usesIndexes }: { readonly isActive: boolean; readonly usesIndexes: boolean },
): Promise<FileSegment> {
  if (!isActive) return FileSegment.trusted(home, base, usesIndexes)
  try {
    return await FileSegment.trusted(home, base)
  } catch {
    const { segment, problem, fileBytes } = await FileSegment.scan(home, base, true)
    if (problem !== null) {
      const cut = fileBytes - segment.sizeBytes
      context.logger.warn(`${home.log}: cut at offset ${segment.endOffset}, ${cut} bytes: ${problem}`)
      await segment.trim()
    }
    return segment
  }
}

/** Removes what was dropped or not finished, and finishes what was: as Kafka does. */
async function sweep({ logger }: StoreContext, home: SegmentHome): Promise<readonly Found[]> {
  const { disk } = home
  const path = (name: string): string => `${home.directory}/${name}`
  const entries = await disk.list(home.directory)
  let found = entries.flatMap((entry) => foundIn(entry))
  for (const { name, file } of found) {
    if (file.state === '.deleted' || file.state === '.cleaned') await disk.remove(path(name))
  }
  found = found.filter(({ file }) => file.state === '' || file.state === '.swap')
  const swaps = found.filter(({ file }) => file.state === '.swap' && file.kind === '.log')
  if (found.every(({ file }) => file.state === '')) return found
  for (const { file } of swaps) {
    const { segment } = await FileSegment.scan(home, file.offset, false, '.swap')
    segment.abandon()
    const covered = found.filter(
      (other) =>
        other.file.state === '' &&
        SEGMENT_KINDS.includes(other.file.kind) &&
        (other.file.offset === file.offset ||
          (other.file.offset > file.offset && other.file.offset < segment.endOffset)),
    )
    logger.info(
      `${home.log}: finishing the replacement of segments from ${file.offset} to ${segment.endOffset}`,
    )
    // The last one first: what is left after another crash still lies behind the one that takes their place.
    for (const { name } of covered.toReversed()) await disk.remove(path(name))
    found = found.filter((other) => !covered.includes(other))
  }
  // What a replacement takes the place of must not come back beside it.
  await disk.syncDirectory(home.directory)
  const renamed = found.map(({ name, file }): Found => {
    if (file.state === '') return { name, file }
    const finished = fileName(file.offset, file.kind)
    disk.rename(path(name), path(finished))
    return { name: finished, file: { ...file, state: '' } }
  })
  await disk.syncDirectory(home.directory)
  return renamed
}

function foundIn({ name, isDirectory }: DiskEntry): readonly Found[] {
  const file = isDirectory ? null : parseFileName(name)
  return file === null ? [] : [{ name, file }]
}

async function removeOrphans(
  { logger }: StoreContext,
  home: SegmentHome,
  found: readonly Found[],
  bases: readonly bigint[],
): Promise<void> {
  for (const { name, file } of found) {
    if ((file.kind !== '.index' && file.kind !== '.timeindex') || bases.includes(file.offset)) continue
    logger.warn(`${home.log}: removed ${name}, whose segment is not there`)
    await home.disk.remove(`${home.directory}/${name}`)
  }
}

/** What had been dropped may be back after a loss of power. */
async function dropBelowStart(
  context: StoreContext,
  home: SegmentHome,
  bases: readonly bigint[],
  logStart: bigint,
): Promise<readonly bigint[]> {
  const first = Math.max(
    0,
    bases.findLastIndex((base) => base <= logStart),
  )
  if (first === 0) return bases
  context.logger.info(`${home.log}: dropped ${first} segments below the log's start ${logStart}`)
  await discardBases(context, home, bases.slice(0, first))
  return bases.slice(first)
}

async function discardBases(
  context: StoreContext,
  home: SegmentHome,
  bases: readonly bigint[],
): Promise<void> {
  await discard(
    context,
    bases.map((base) => new FileSegment(home, base, emptyFacts(base), true)),
  )
}

/** Behind a cut nothing is in order any more; what was there stays for a while, under another name. */
async function discard(context: StoreContext, segments: readonly FileSegment[]): Promise<void> {
  for (const segment of segments) {
    segment.abandon()
    segment.rename('.deleted')
    context.trash.removeLater(segment.paths(), KEPT_MS)
  }
}
