/** What the cases about configs share: resources, and waiting until a change is in force. */
import { describeConfigsApi } from '../../src/wire/messages/describe-configs.ts'
import type { CaseContext } from './case.ts'

export const TOPIC = 2
export const BROKER = 4
export const BROKER_LOGGER = 8
export const CLIENT_METRICS = 16
export const GROUP = 32

/** The configs of these names as the broker describes them once the first of them has this value. */
export async function described(
  t: CaseContext,
  resourceType: number,
  resourceName: string,
  names: readonly [string, ...string[]],
  value: string | null,
): Promise<unknown> {
  const resources = [{ resourceType, resourceName, configurationKeys: names }]
  const ask = async () => t.send(describeConfigsApi, 4, { resources, includeSynonyms: true })
  await t.poll(`${names[0]} to be ${value}`, async () => {
    const { results } = await ask()
    return results[0]?.configs.find(({ name }) => name === names[0])?.value === value
  })
  return (await ask()).results
}
