import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { differential } from '../case.ts'
import { encodeFrame, frame } from '../client.ts'

const software = { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' }

for (const version of [0, 1, 2]) {
  differential('ApiVersions', `v${version}`, (t) => t.send(apiVersionsApi, version, {}))
}
for (const version of [3, 4]) {
  differential('ApiVersions', `v${version}`, (t) => t.send(apiVersionsApi, version, software))
}

const badSoftware = [
  ['an empty name', { ...software, clientSoftwareName: '' }],
  ['an empty version', { ...software, clientSoftwareVersion: '' }],
  ['a name that begins with a hyphen', { ...software, clientSoftwareName: '-client' }],
  ['a name that ends with a dot', { ...software, clientSoftwareName: 'client.' }],
  ['a name with a space', { ...software, clientSoftwareName: 'my client' }],
  ['a version with a slash', { ...software, clientSoftwareVersion: '1/0' }],
] as const

for (const [condition, request] of badSoftware) {
  differential('ApiVersions', `v3 ${condition}`, (t) => t.send(apiVersionsApi, 3, request))
}

differential('ApiVersions', 'v3 a name of one character', async (t) => {
  const answer = await t.send(apiVersionsApi, 3, { clientSoftwareName: 'c', clientSoftwareVersion: '1' })
  return answer.errorCode
})

for (const version of [5, 99, -1]) {
  differential('ApiVersions', `unsupported version ${version} is answered in version 0`, async (t) => {
    const client = await t.connect()
    return client.sendFrame(unsupported(version, 'ffff'), apiVersionsApi, 0)
  })
}

differential('ApiVersions', 'unsupported version, then a supported one on the same connection', async (t) => {
  const client = await t.connect()
  const refused = await client.sendFrame(unsupported(99, '00'), apiVersionsApi, 0)
  const answered = await client.send(apiVersionsApi, 3, software)
  return { refused, answered: answered.errorCode }
})

differential('ApiVersions', 'v3 bytes after the request', async (t) => {
  const client = await t.connect()
  const whole = encodeFrame(apiVersionsApi, 3, 1, 'diff', software)
  const answer = await client.sendFrame(
    frame(Buffer.concat([whole.subarray(4), Buffer.from('00ff', 'hex')])),
    apiVersionsApi,
    3,
  )
  return answer.errorCode
})

differential('ApiVersions', 'v3 without a body', async (t) => {
  const client = await t.connect()
  return client.sendFrame(unsupported(3, ''), apiVersionsApi, 3)
})

/** A frame of ApiVersions in a version of its own, with these bytes for a body. */
function unsupported(version: number, body: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeInt16BE(apiVersionsApi.key, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(7, 4)
  return frame(Buffer.concat([header, Buffer.from('00046469666600', 'hex'), Buffer.from(body, 'hex')]))
}
