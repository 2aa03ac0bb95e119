/** What is wrong with ottla's answers, after the known differences are set aside. */
import type { Case } from './case.ts'
import { describe, differences, type KnownDifference, known } from './compare.ts'
import { knownDifferences } from './known-differences.ts'
import type { Json } from './normalize.ts'
import { caseId, type Failure, isFailure, type Outcome } from './suite.ts'

export interface Verdict {
  /** One text for each case, or list entry, that is wrong. */
  readonly failures: readonly string[]
  /** How many fields differ as the list says. */
  readonly known: number
}

/** @param whole whether all cases ran, so that an entry of the list that was not needed is out of date. */
export function judge(
  cases: readonly Case[],
  outcomes: ReadonlyMap<string, Outcome | Failure>,
  recorded: ReadonlyMap<string, Json>,
  whole: boolean,
): Verdict {
  const failures: string[] = []
  const used = new Set<KnownDifference>()
  let knownCount = 0
  for (const one of cases) {
    const id = caseId(one)
    const wrong: string[] = []
    const outcome = outcomes.get(id)
    if (outcome === undefined || isFailure(outcome)) {
      const entry = known(knownDifferences, id, { path: '', kafka: null, ottla: null })
      if (entry === undefined) failures.push(`${id}: ${outcome?.failure ?? 'not run'}`)
      else used.add(entry)
      continue
    }
    if (!recorded.has(id)) wrong.push('Kafka was never asked: record it')
    else {
      for (const difference of differences(recorded.get(id), outcome.tree)) {
        const entry = known(knownDifferences, id, difference)
        if (entry === undefined) wrong.push(describe(difference))
        else {
          used.add(entry)
          knownCount++
        }
      }
    }
    if (wrong.length > 0) failures.push(`${id}\n  ${wrong.join('\n  ')}`)
  }
  if (whole) failures.push(...outOfDate(cases, recorded, used))
  return { failures, known: knownCount }
}

function outOfDate(
  cases: readonly Case[],
  recorded: ReadonlyMap<string, Json>,
  used: ReadonlySet<KnownDifference>,
): readonly string[] {
  const ids = new Set(cases.map(caseId))
  return [
    ...knownDifferences
      .filter((entry) => !used.has(entry))
      .map((entry) => `known difference is none: ${entry.case} ${entry.path} (${entry.reason})`),
    ...[...recorded.keys()]
      .filter((id) => !ids.has(id))
      .map((id) => `recorded answer belongs to no case: ${id}`),
  ]
}
