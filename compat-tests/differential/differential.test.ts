/** Asks ottla everything that Apache Kafka was asked, and compares with what Kafka answered. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { handlers } from '../../src/handlers/index.ts'
import type { Target } from './case.ts'
import { cases } from './cases/index.ts'
import { coveredApis, errorsToCover } from './coverage.ts'
import { changedVersions } from './definitions.ts'
import { judge, type Verdict } from './judge.ts'
import type { Json } from './normalize.ts'
import { startOttla } from './ottla.ts'
import { caseId, type Failure, isFailure, type Outcome, readRecorded, runCases, summary } from './suite.ts'

let ottla: Target & AsyncDisposable
let outcomes: ReadonlyMap<string, Outcome | Failure>
let verdict: Verdict

beforeAll(async () => {
  ottla = await startOttla()
  outcomes = await runCases(cases(), ottla)
  verdict = judge(cases(), outcomes, readRecorded())
  console.log(summary(outcomes, 'ottla', verdict.known))
}, 240_000)

afterAll(() => ottla[Symbol.asyncDispose]())

describe('ottla answers as Apache Kafka does', () => {
  test.each(cases().map(caseId))('%s', (id) => {
    expect(verdict.wrong.get(id) ?? []).toEqual([])
  })
})

test('every known difference is still one, and every recorded answer belongs to a case', () => {
  expect(verdict.outOfDate).toEqual([])
})

describe('coverage', () => {
  test.each(coveredApis.map((api) => [api.name, api] as const))(
    'every version that changes %s',
    (name, api) => {
      const [min, max] = api.advertised ?? api.versions
      const sent = new Set([...outcomes.values()].flatMap((one) => (isFailure(one) ? [] : [...one.sent])))
      const versions = changedVersions(name, [Math.max(min, api.versions[0]), Math.min(max, api.versions[1])])
      expect(versions.filter((version) => !sent.has(`${name} ${version}`))).toEqual([])
    },
  )

  test.each(Object.entries(errorsToCover))('every error of %s', (name, errors) => {
    const answered = new Set(
      [...readRecorded()].flatMap(([id, answer]) => (id.startsWith(`${name}: `) ? errorsIn(answer) : [])),
    )
    expect(errors.filter((error) => !answered.has(error))).toEqual([])
  })

  test('every handler has cases', () => {
    const covered = new Set(coveredApis.map((api) => api.name))
    expect(handlers.map((one) => one.api.name).filter((name) => !covered.has(name))).toEqual([])
  })
})

/** Every error code that an answer holds. */
function errorsIn(answer: Json): readonly string[] {
  if (Array.isArray(answer)) return answer.flatMap(errorsIn)
  if (typeof answer !== 'object' || answer === null) return []
  return Object.entries(answer).flatMap(([key, value]) =>
    typeof value === 'string' && /errorCode$/i.test(key) ? [value] : errorsIn(value),
  )
}
