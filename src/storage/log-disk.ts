/**
 * The disk as one log sees it. A log that was removed may have somebody at work on it still, and its directory's name
 * may be a successor's by then: from the removal on nothing goes through.
 */
import type { Disk, DiskEntry, DiskFile, OpenMode } from './disk.ts'
import { StoreError } from './log-store.ts'

export class LogDisk {
  readonly #disk: Disk
  readonly #directory: string
  #isGone = false

  constructor(disk: Disk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** The directory is about to have another name. */
  leave(): void {
    this.#isGone = true
  }

  open(path: string, mode: OpenMode): DiskFile {
    return this.#get().open(path, mode)
  }

  async read(path: string): Promise<Buffer | null> {
    return this.#get().read(path)
  }

  async list(path: string): Promise<readonly DiskEntry[]> {
    return this.#get().list(path)
  }

  rename(from: string, to: string): void {
    this.#get().rename(from, to)
  }

  async remove(path: string): Promise<void> {
    return this.#get().remove(path)
  }

  async syncDirectory(path: string): Promise<void> {
    return this.#get().syncDirectory(path)
  }

  /** @throws StoreError `fenced` */
  #get(): Disk {
    if (this.#isGone) throw new StoreError('fenced', `${this.#directory} has been put away`)
    return this.#disk
  }
}
