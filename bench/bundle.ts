/** Programs of the benchmark that have the broker's code in them. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleProgram } from '../compat-tests/bundle.ts'
import { root } from '../compat-tests/tools.ts'

export interface Bundle extends AsyncDisposable {
  readonly path: string
}

/** @param entry relative to the checkout. */
export async function bundle(entry: string): Promise<Bundle> {
  const name = entry.replaceAll('/', '-').replace(/\.ts$/, '')
  // From there packages are found.
  const path = join(root, `node_modules/.cache/ottla/${name}-${process.pid}.mjs`)
  await bundleProgram(entry, path)
  return { path, [Symbol.asyncDispose]: () => rm(path) }
}
