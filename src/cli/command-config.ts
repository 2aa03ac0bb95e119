/** The file of `--command-config`: configs of an admin client. Of these only what keeps us from talking matters here. */
import { readFileSync } from 'node:fs'
import { parseProperties } from '../config/properties.ts'
import type { Options } from './command-options.ts'
import { UsageError } from './usage-error.ts'

/** @throws UsageError when the file cannot be read or wants what is not spoken here. */
export function checkCommandConfig(options: Options): void {
  const file = options.get('command-config')?.at(-1)
  if (file === undefined) return
  const security = parseProperties(contentOf(file), file).find(({ key }) => key === 'security.protocol')
  if (security !== undefined && security.value.toUpperCase() !== 'PLAINTEXT') {
    throw new UsageError(
      `${file}: security.protocol=${security.value} is not spoken by this command: only PLAINTEXT is`,
    )
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`--command-config: ${error instanceof Error ? error.message : error}`)
  }
}
