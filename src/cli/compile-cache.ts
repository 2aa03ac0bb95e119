/** Compiled code that Node keeps in a folder for temporary files from one start to the next, from Node 22.8 on. */
import nodeModule from 'node:module'

/** What is imported from now on is taken from there, if it has not changed. */
export function useCompiledCode(): void {
  cache.enableCompileCache?.()
}

/** Writes what has been compiled by now. Node itself does so only at an orderly exit. */
export function keepCompiledCode(): void {
  cache.flushCompileCache?.()
}

/** Node 20's types do not know them. */
const cache = nodeModule as { enableCompileCache?: () => unknown; flushCompileCache?: () => void }
