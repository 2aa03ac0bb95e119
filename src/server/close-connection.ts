/**
 * The only answer left is to close the connection: what came over it is not the protocol, or an error arose where
 * no answer is owed (Produce with acks=0). Concerns that one connection and nobody else.
 */
export class CloseConnection extends Error {
  override readonly name = 'CloseConnection'
  readonly level: 'info' | 'warn'

  /**
   * @param message which check failed, with the values that it failed for.
   * @param level how the log tells of it: 'warn' where somebody should have a look at the client.
   */
  constructor(message: string, level: 'info' | 'warn' = 'warn') {
    super(message)
    this.level = level
  }
}
