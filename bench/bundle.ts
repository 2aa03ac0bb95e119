/** Programs of the benchmark that have the broker's code in them, built as `npm run build` builds it. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

export interface Bundle extends AsyncDisposable {
  readonly path: string
}

/** @param entry relative to the checkout. */
export async function bundle(entry: string): Promise<Bundle> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const name = entry.replaceAll('/', '-').replace(/\.ts$/, '')
  // From there packages are found.
  const path = join(root, `node_modules/.cache/ottla/${name}-${process.pid}.mjs`)
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: path,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  })
  return { path, [Symbol.asyncDispose]: () => rm(path) }
}
