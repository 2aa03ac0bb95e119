import { checkRunning, type LibraryContext } from './library-context.ts'

/**
 * Deletes all topics, those included in which groups and transactions are kept, which are therefore gone as well.
 * Whoever waits for a group is sent to look for its coordinator, which comes to be anew.
 */
export async function resetCluster(context: LibraryContext): Promise<void> {
  checkRunning(context)
  const { controller, metadata } = context.services
  const outcomes = await controller.deleteTopics(Array.from(metadata.topics(), ({ id }) => id))
  for (const outcome of outcomes) if ('error' in outcome) throw outcome.error
}
