/** The command line cannot be understood: the message says what is wrong with it and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
