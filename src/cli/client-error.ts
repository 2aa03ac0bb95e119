/** A broker that was asked cannot be reached or does not answer as a broker does: the message says which and why. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
}
