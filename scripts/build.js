/**
 * Builds dist/: the program, the library and its types. Plain Node, so that `npm install` of a fresh clone can run it
 * as soon as the packages are there. What is needed late (codecs, readable logs) stays in chunks of its own.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
// Tests build into a folder of their own.
const dist = resolve(process.argv[2] ?? join(root, 'dist'))

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

/** What CommonJS has in place of `import.meta.url`. Whatever comes first has to say that all of it is strict, as modules are. */
const MODULE_URL = `"use strict"\nconst moduleUrl = require('node:url').pathToFileURL(__filename).href`

/** Packages that every start needs are bundled: looking for their files takes longer than running them. */
const EXTERNAL = ['@node-rs/crc32', 'pino-pretty', 'testcontainers', 'vitest']

/** Packages that are CommonJS ask for Node's own modules by `require`, which an ES module has to make for itself. */
const ESM_REQUIRE = "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)"

/** Those of Node's modules that take a start the longest, 0.5 to 1.5 ms each. */
const LATE_BUILTINS = new Set(['node:crypto', 'node:dns/promises', 'node:fs/promises'])

/** No CommonJS itself: where that is wanted, it is `cjs/wasm-zstd.js`. */
const WASM_ZSTD = /^@hpcc-js\/wasm-zstd$/

rmSync(dist, { recursive: true, force: true })
const jestEntries = ['src/jest.ts', 'src/jest-setup.ts', 'src/jest-teardown.ts']
const library = await build({
  ...common,
  entryPoints: ['src/index.ts', 'src/testcontainers.ts', 'src/vitest.ts', ...jestEntries],
  external: [...EXTERNAL, '@hpcc-js/wasm-zstd'],
  banner: { js: ESM_REQUIRE },
  plugins: [lazyBuiltins()],
})
writeFileSync(join(dist, 'index.licenses.txt'), licences(Object.keys(library.metafile.inputs)))
await buildCommonJs(['src/index.ts', 'src/testcontainers.ts', ...jestEntries])
const program = await buildProgram()
chmodSync(join(dist, 'cli.cjs'), 0o755)
writeFileSync(
  join(dist, 'cli.licenses.txt'),
  licences([...Object.keys(program.metafile.inputs), 'node_modules/@hpcc-js/wasm-zstd/']),
)

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
const types = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', dist], {
  stdio: 'inherit',
})
process.exitCode = types.status ?? 1
copyTypes(['index.d.ts', 'testcontainers.d.ts', 'jest.d.ts', 'jest-setup.d.ts', 'jest-teardown.d.ts'])

/**
 * The program: `cli.cjs`, which runs `program-HASH.cjs`. That is one script, since scripts are what V8 gives the compiled
 * code of away on every version of Node, and another program has another name, so that it never gets code of this one.
 */
async function buildProgram() {
  const options = /** @type {const} */ ({
    ...common,
    splitting: false,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    external: EXTERNAL,
    banner: { js: MODULE_URL },
    // A script's own `import()` is an experiment of Node 20, and Node says so to whoever sees its output.
    supported: { 'dynamic-import': false },
    plugins: [lazyBuiltins(), withoutThreads(), apart(WASM_ZSTD, './cjs/wasm-zstd.js')],
  })
  const define = { 'import.meta.url': 'moduleUrl' }
  const entryPoints = { program: 'src/cli.ts' }
  const program = await build({ ...options, define, entryPoints, entryNames: '[name]-[hash]' })
  const [file = ''] = Object.keys(program.metafile.outputs)
  const PROGRAM = JSON.stringify(basename(file))
  const entry = { cli: 'src/cli/run-compiled.ts' }
  await build({ ...options, define: { ...define, PROGRAM }, entryPoints: entry })
  return program
}

/**
 * The library for those who can but `require`: Jest, whose own loader knows neither ES modules nor `import()` unless it
 * is told to. One file for the library, since CommonJS has no chunks, and one for the package that is no CommonJS itself.
 * @param {readonly string[]} entryPoints
 */
async function buildCommonJs(entryPoints) {
  const outdir = join(dist, 'cjs')
  const options = /** @type {const} */ ({
    ...common,
    outdir,
    splitting: false,
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: { js: MODULE_URL },
  })
  const shared = [
    apart(/^\.\/index\.ts$/, './index.js'),
    apart(/^\.\/jest\.ts$/, './jest.js'),
    apart(WASM_ZSTD, './wasm-zstd.js'),
  ]
  await build({ ...options, entryPoints: [...entryPoints], external: EXTERNAL, plugins: shared })
  await build({ ...options, entryPoints: { 'wasm-zstd': '@hpcc-js/wasm-zstd' } })
  writeFileSync(join(outdir, 'package.json'), '{ "type": "commonjs" }\n')
}

/**
 * Leaves a module to a file of its own.
 * @param {RegExp} filter
 * @param {string} path from the file that asks for it.
 * @returns {import('esbuild').Plugin}
 */
function apart(filter, path) {
  return {
    name: `apart-${path}`,
    setup: ({ onResolve }) =>
      onResolve({ filter }, ({ kind }) => (kind === 'entry-point' ? undefined : { path, external: true })),
  }
}

/**
 * Copies declarations, and all that they refer to, beside the CommonJS files: there TypeScript takes them for such.
 * @param {readonly string[]} entries
 */
function copyTypes(entries) {
  const files = new Set(entries)
  for (const file of files) {
    const text = readFileSync(join(dist, file), 'utf8')
    mkdirSync(join(dist, 'cjs', dirname(file)), { recursive: true })
    writeFileSync(join(dist, 'cjs', file), text)
    for (const [, path = ''] of text.matchAll(/(?:from|import)\s*\(?["'](\.[^"']+)\.[jt]s["']/g)) {
      files.add(join(dirname(file), `${path}.d.ts`))
    }
  }
}

/**
 * An `import` of one of Node's modules reads everything that it exports, and so loads whatever Node itself would load
 * when it is first used: streams and workers for `node:fs` and `node:util`. Taken as an object, it does not. What few
 * starts need is itself loaded when it is first used.
 * @returns {import('esbuild').Plugin}
 */
function lazyBuiltins() {
  return {
    name: 'lazy-builtins',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:/ }, ({ path, kind }) =>
        kind === 'import-statement' ? { path, namespace: 'builtin' } : undefined,
      )
      onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
        const load = `process.getBuiltinModule(${JSON.stringify(path)})`
        return { contents: LATE_BUILTINS.has(path) ? namesOf(path, load) : `module.exports = ${load}` }
      })
    },
  }
}

/**
 * Leaves out what pino has for logs that are written by another thread, and what it asserts with when it flushes: a
 * program that writes its log by itself needs neither at its start, and Node takes 0.5 ms to load its modules for them.
 * @returns {import('esbuild').Plugin}
 */
function withoutThreads() {
  /** @type {Readonly<Record<string, string>>} */
  const contents = {
    assert: `module.exports = (...those) => process.getBuiltinModule('node:assert')(...those)`,
    'thread-stream': `module.exports = class { constructor() { throw new Error('there are no transports of pino here') } }`,
    worker_threads: 'module.exports = { isMainThread: true }',
  }
  return {
    name: 'without-threads',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(assert|thread-stream|worker_threads)$/ }, ({ path, importer }) =>
        /node_modules.(pino|sonic-boom|thread-stream)\b/.test(importer)
          ? { path, namespace: 'without-threads' }
          : undefined,
      )
      onLoad({ filter: /./, namespace: 'without-threads' }, ({ path }) => ({
        contents: contents[path] ?? '',
      }))
    },
  }
}

/**
 * @param {string} path
 * @param {string} load
 */
function namesOf(path, load) {
  const names = Object.keys(process.getBuiltinModule(path) ?? {})
  return names
    .map((name) => `Object.defineProperty(exports, '${name}', { get: () => ${load}.${name} })`)
    .join('\n')
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
