/**
 * A config has a name or a value that cannot be. Where a client set it, the answer is INVALID_CONFIG with this
 * error's message; where it came with the program's start, the start fails.
 */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
}

/** The error that a value does not fit, worded as ConfigDef words it. `value` is shown unless it is secret. */
export function invalidValue(name: string, value: string, reason: string): ConfigError {
  return new ConfigError(`Invalid value ${value} for configuration ${name}: ${reason}`)
}
