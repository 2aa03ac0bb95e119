import { expect, it } from 'vitest'
import { type OpenFile, OpenFiles } from './open-files.ts'

it('goes on making room after a file could not be closed', () => {
  const files = new OpenFiles(10)
  const file = (close: () => void): OpenFile => {
    const opened: OpenFile = {
      inUse: false,
      release() {
        files.closed(opened)
        close()
      },
    }
    files.used(opened)
    return opened
  }
  file(() => {
    throw new Error('EIO')
  })
  file(() => {})
  expect(() => files.makeRoom()).toThrow('EIO')
  expect(files.makeRoom()).toBe(true)
  expect([files.size, files.makeRoom()]).toEqual([0, false])
})
