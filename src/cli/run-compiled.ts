#!/usr/bin/env node
/**
 * What `ottla` starts: runs the program with the code that V8 compiled of it at an earlier start, which saves a third of
 * the time until the first answer. The code is kept beside the program, where only those can write who could change the
 * program itself; where nobody can, each start compiles. Node's own cache would be for Node 22 and for all of the process.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { systemClock } from '../clock.ts'

/** By then a broker has served its first clients; a command that only asks one has ended. */
const KEEP_AFTER_MS = 500

type CommonJs = (require: NodeJS.Require, filename: string) => void

/** The program's file, which lies beside this one: the build puts its name here. */
declare const PROGRAM: string

runCompiled(fileURLToPath(new URL(PROGRAM, import.meta.url)))

function runCompiled(filename: string): void {
  // V8 takes no code of another version or architecture of its own: those keep theirs in files of their own.
  const kept = `${filename}.${process.version}-${process.arch}.cache`
  const cachedData = readIfThere(kept)
  // One byte a character is read fastest, and the build writes ASCII.
  const script = new Script(`(function (require, __filename) {${readFileSync(filename, 'latin1')}\n})`, {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  })
  if (script.cachedDataRejected !== false && !hasFlags())
    systemClock.schedule(KEEP_AFTER_MS, () => keep(kept, script))
  const program = script.runInThisContext() as CommonJs
  program(createRequire(filename), filename)
}

/** With most flags V8 takes no code that was made without: a start with them must not take it from those without. */
function hasFlags(): boolean {
  const { NODE_OPTIONS = '' } = process.env
  return process.execArgv.length > 0 || NODE_OPTIONS !== ''
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** Whole or not at all, whoever else does the same now. */
function keep(path: string, script: Script): void {
  // Not named by the process: containers that share an installation may have the same numbers.
  const draft = `${path}.${process.hrtime.bigint().toString(36)}`
  try {
    // First, since making the data takes a while and is in vain in an installation that is read-only. Nobody else may
    // write what the next start will run.
    const file = openSync(draft, 'wx', 0o644)
    try {
      writeSync(file, script.createCachedData())
      // So that after a loss of power the name stands for all of it.
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    // The disk may be full: the next start compiles as this one did.
    if (isCode(error, 'EEXIST')) return
    rmSync(draft, { force: true })
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
