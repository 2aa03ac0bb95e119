/** A record goes to a topic and comes back to a new group, after those that were there. */
import { kafkaClient, send, startReader } from '../../kafkajs/client.ts'

/** @returns the first `count` values in the topic. */
export async function thereAndBack(
  bootstrapServers: string,
  value: string,
  count = 1,
): Promise<(string | null)[]> {
  const kafka = kafkaClient(bootstrapServers)
  await send(kafka, 'there', [{ value }])
  await using reader = await startReader(kafka, { topic: 'there', groupId: `readers-of-${value}` })
  return await reader.values(count)
}
