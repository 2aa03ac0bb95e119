/** Programs with the broker's code in them, made of its sources: they start faster than what tsx runs. */
import { build } from 'esbuild'
import { root } from './tools.ts'

/**
 * @param entry relative to the checkout.
 * @param outfile from where packages are found.
 */
export async function bundleProgram(entry: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  })
}
