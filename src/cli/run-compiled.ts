#!/usr/bin/env node
/**
 * What `ottla` starts: runs the program with the code that V8 compiled of it at an earlier start, which saves a third of
 * the time until the first answer. The code is kept beside the program, where only those can write who could change the
 * program itself; where nobody can, each start compiles. Node's own cache would be for Node 22 and for all of the process.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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
  const script = new Script(`(function (require, __filename) {${readFileSync(filename, 'latin1')}\n})`, {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  })
  if (script.cachedDataRejected !== false) systemClock.schedule(KEEP_AFTER_MS, () => keep(kept, script))
  const program = script.runInThisContext() as CommonJs
  program(createRequire(filename), filename)
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
  const draft = `${path}.${process.pid}`
  try {
    // Flushed, so that after a loss of power the name stands for all of it.
    writeFileSync(draft, script.createCachedData(), { flush: true })
    renameSync(draft, path)
  } catch {
    // An installation that is read-only, or a disk that is full: the next start compiles as this one did.
    rmSync(draft, { force: true })
  }
}
