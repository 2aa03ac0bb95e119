/** What is wrong with ottla's answers, after the known differences are set aside. */
import type { Case } from './case.ts'
import { describe, differences, type KnownDifference, known } from './compare.ts'
import { knownDifferences } from './known-differences.ts'
import type { Json } from './normalize.ts'
import { caseId, type Failure, isFailure, type Outcome } from './suite.ts'

export interface Verdict {
  /** By case: what differs, one line each. Cases without a difference are not in it. */
  readonly wrong: ReadonlyMap<string, readonly string[]>
  /** Known differences that are none, and recorded answers without a case. */
  readonly outOfDate: readonly string[]
  /** How many fields differ as the list says. */
  readonly known: number
}

/**
 * Judges the cases that ran.
 * @param list the known differences; those of cases that did not run are not out of date.
 */
export function judge(
  cases: readonly Case[],
  outcomes: ReadonlyMap<string, Outcome | Failure>,
  recorded: ReadonlyMap<string, Json>,
  list: readonly KnownDifference[] = knownDifferences,
): Verdict {
  const wrong = new Map<string, readonly string[]>()
  const used = new Set<KnownDifference>()
  let knownCount = 0
  for (const one of cases) {
    const id = caseId(one)
    const lines: string[] = []
    for (const difference of caseDifferences(outcomes.get(id), recorded.get(id))) {
      const entry = known(list, id, difference)
      if (entry === undefined) lines.push(describe(difference))
      else {
        used.add(entry)
        knownCount++
      }
    }
    if (lines.length > 0) wrong.set(id, lines)
  }
  return { wrong, outOfDate: outOfDate(cases, recorded, list, used), known: knownCount }
}

function caseDifferences(outcome: Outcome | Failure | undefined, recorded: Json | undefined) {
  if (recorded === undefined) return [{ path: '', kafka: 'never asked', ottla: 'run --record' }]
  if (outcome === undefined || isFailure(outcome)) {
    return [{ path: '', kafka: 'an answer', ottla: outcome?.failure ?? 'not run' }]
  }
  return differences(recorded, outcome.tree)
}

function outOfDate(
  cases: readonly Case[],
  recorded: ReadonlyMap<string, Json>,
  list: readonly KnownDifference[],
  used: ReadonlySet<KnownDifference>,
): readonly string[] {
  const ids = new Set(cases.map(caseId))
  return [
    ...list
      .filter((entry) => !used.has(entry))
      .map((entry) => `known difference is none: ${entry.case} ${entry.path} (${entry.reason})`),
    ...[...recorded.keys()]
      .filter((id) => !ids.has(id))
      .map((id) => `recorded answer belongs to no case: ${id}`),
  ]
}
