/** A text longer than this is cut in messages: an answer's message is a string of at most 32,767 bytes. */
const MAX_MESSAGE_LENGTH = 8_000

/**
 * A config has a name or a value that cannot be. Where a client set it, the answer is INVALID_CONFIG with this
 * error's message; where it came with the program's start, the start fails.
 */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'

  constructor(message: string) {
    super(message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message)
  }
}

/** The error that a value does not fit, worded as ConfigDef words it. */
export function invalidValue(name: string, value: string, reason: string): ConfigError {
  return new ConfigError(`Invalid value ${value} for configuration ${name}: ${reason}`)
}
