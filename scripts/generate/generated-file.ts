/** A file that is made from other files of the repository, and checked in all the same. */
export interface GeneratedFile {
  /** Relative to the repository. */
  readonly path: string
  readonly content: string
}

/** Makes some of the generated files. */
export interface Producer {
  /** Gives the files, whatever is on disk at present. */
  files(root: string): readonly GeneratedFile[]
  /** Folders that hold nothing but generated files: whatever else is found there is stale. */
  readonly folders: readonly string[]
}
