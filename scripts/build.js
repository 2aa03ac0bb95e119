/**
 * Builds dist/: the program, the library and its types. Plain Node, so that `npm install` of a fresh clone can run it
 * as soon as the packages are there. What is needed late (codecs, readable logs) stays in chunks of its own.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  splitting: true,
  // Beside the entries: from every file of dist/ the package's own files are one folder up.
  chunkNames: 'chunk-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  metafile: true,
  logLevel: 'warning',
}

rmSync(dist, { recursive: true, force: true })
await build({ ...common, entryPoints: ['src/index.ts', 'src/testcontainers.ts'], packages: 'external' })
const program = await build({
  ...common,
  entryPoints: ['src/cli.ts'],
  // The packages that every start needs are bundled: looking for their files takes longer than running them.
  external: ['@node-rs/crc32', '@hpcc-js/wasm-zstd', 'crc-32', 'pino-pretty'],
  // They are CommonJS and ask for Node's own modules by `require`, which an ES module has to make for itself.
  banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)" },
  plugins: [lazyBuiltins()],
})
chmodSync(join(dist, 'cli.js'), 0o755)
writeFileSync(join(dist, 'cli.licenses.txt'), licences(Object.keys(program.metafile.inputs)))

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
const types = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
process.exitCode = types.status ?? 1

/**
 * An `import` of one of Node's modules reads everything that it exports, and so loads whatever Node itself would load
 * when it is first used: streams and workers for `node:fs` and `node:util`. Taken as an object, it does not.
 * @returns {import('esbuild').Plugin}
 */
function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:/ }, ({ path, kind }) =>
        kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
      )
      onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      }))
    },
  }
}

/**
 * The licences of the packages among bundled files, as each asks to be kept with every copy.
 * @param {readonly string[]} inputs
 */
function licences(inputs) {
  const folders = inputs.map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0])
  const packages = [...new Set(folders.filter((folder) => folder !== undefined))].sort()
  return packages
    .map((folder) => `${folder.replace(/^.*node_modules\//, '')}\n\n${licence(folder)}\n`)
    .join('\n')
}

/** @param {string} folder */
function licence(folder) {
  const file = readdirSync(join(root, folder)).find((name) => /^licen[cs]e/i.test(name))
  if (file !== undefined) return readFileSync(join(root, folder, file), 'utf8')
  const manifest = join(root, folder, 'package.json')
  return existsSync(manifest) ? `Licence: ${JSON.parse(readFileSync(manifest, 'utf8')).license}\n` : ''
}
