/** What happens to a connection, whatever the API. */
import { apiVersionsApi } from '../../../src/wire/messages/api-versions.ts'
import { fetchApi } from '../../../src/wire/messages/fetch.ts'
import { heartbeatApi } from '../../../src/wire/messages/heartbeat.ts'
import { listOffsetsApi } from '../../../src/wire/messages/list-offsets.ts'
import { metadataApi } from '../../../src/wire/messages/metadata.ts'
import { produceApi } from '../../../src/wire/messages/produce.ts'
import { batch } from '../batch.ts'
import { differential, orClosed } from '../case.ts'
import { encodeFrame, frame } from '../client.ts'

const header = (key: number, version: number, body = ''): Buffer => {
  const out = Buffer.alloc(10)
  out.writeInt16BE(key, 0)
  out.writeInt16BE(version, 2)
  out.writeInt16BE(-1, 8)
  return Buffer.concat([out, Buffer.from(body, 'hex')])
}

const bytes: ReadonlyArray<readonly [condition: string, sent: Buffer]> = [
  ['an API key that is unknown', frame(header(999, 0))],
  ['an API key that is negative', frame(header(-1, 0))],
  ['the API key of another kind of server (Vote)', frame(header(52, 0))],
  ['an API key that has been removed (LeaderAndIsr)', frame(header(4, 0))],
  ['Metadata in a version that is too high', frame(header(3, 99))],
  ['Metadata in a version that is negative', frame(header(3, -1))],
  ['Fetch in a version that has been removed', frame(header(1, 3))],
  ['OffsetCommit in a version that has been removed', frame(header(8, 1))],
  ['Produce v2, advertised and yet removed', frame(header(0, 2, '0001000003e800000000'))],
  ['Produce v0, advertised and yet removed', frame(header(0, 0, '0001000003e800000000'))],
  ['a frame of size 0', Buffer.alloc(4)],
  ['a frame of negative size', Buffer.from('ffffffff', 'hex')],
  ['a frame that is larger than socket.request.max.bytes', Buffer.from('7fffffff00030000', 'hex')],
  ['a header that is cut', frame(Buffer.from('000300', 'hex'))],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex')],
  ['a list that says it is longer than the frame', frame(header(3, 1, '7fffffff'))],
  ['a list of a negative length', frame(header(12, 0, 'fffffffe'))],
  ['a string that says it is longer than the frame', frame(header(10, 0, '7fff41'))],
  ['a null string where none may be', frame(header(10, 0, 'ffff'))],
  ['a body that is cut', frame(header(12, 0, '000161000000'))],
  ['a compact list that says it is longer than the frame', frame(header(3, 9, '00ffffffff07'))],
  ['a varint that does not end', frame(header(3, 9, '00ffffffffffffff'))],
]

for (const [condition, sent] of bytes) {
  differential('Connection', condition, async (t) => {
    const client = await t.connect()
    return orClosed(client.raw.sendRaw(sent))
  })
}

differential('Connection', 'bytes after a request', async (t) => {
  const client = await t.connect()
  await t.coordinator('a')
  const sent = frame(header(12, 0, '0001610000000000016d' + '0102'))
  return orClosed(client.sendFrame(sent, heartbeatApi, 0))
})

differential('Connection', 'a string that is not UTF-8', async (t) => {
  const client = await t.connect()
  const sent = frame(header(3, 4, '000000010002c32800'))
  return orClosed(client.sendFrame(sent, metadataApi, 4))
})

differential('Connection', 'a client id that is null', async (t) => {
  const client = await t.connect(null)
  return client.send(heartbeatApi, 4, { groupId: await t.group('g'), generationId: 1, memberId: 'm' })
})

differential('Connection', 'a tagged field that is unknown in header and body', async (t) => {
  const client = await t.connect()
  await t.coordinator('g')
  const body = header(12, 4, '0163020304' + '0267' + '00000001' + '026d' + '00' + '016301ff')
  return orClosed(client.sendFrame(frame(body), heartbeatApi, 4))
})

differential('Connection', 'another connection works on after one was closed', async (t) => {
  const [bad, good] = [await t.connect(), await t.connect()]
  const closed = await orClosed(bad.raw.sendRaw(frame(header(999, 0))))
  return { closed, good: (await good.send(apiVersionsApi, 0, {})).errorCode }
})

differential('Connection', 'a frame in many pieces', async (t) => {
  const client = await t.connect()
  const whole = encodeFrame(heartbeatApi, 4, 0, 'diff', {
    groupId: await t.group('g'),
    memberId: 'm',
    generationId: 1,
  })
  for (const byte of whole.subarray(0, -1)) {
    client.raw.writeRaw(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  return client.sendFrame(whole.subarray(-1), heartbeatApi, 4)
})

differential(
  'Connection',
  'two requests at once are answered in their order, the first one waiting',
  async (t) => {
    const topic = await t.topic('a')
    const client = await t.connect()
    const order: string[] = []
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }]
    const fetch = client
      .send(fetchApi, 4, { maxWaitMs: 500, minBytes: 1, topics: [{ topic: topic.name, partitions }] })
      .then(() => order.push('Fetch'))
    const offsets = client
      .send(listOffsetsApi, 1, {
        topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
      })
      .then(() => order.push('ListOffsets'))
    await Promise.all([fetch, offsets])
    return order
  },
)

differential('Connection', 'acks=0, then a request that is answered', async (t) => {
  const topic = await t.topic('a')
  const client = await t.connect()
  const partitionData = [{ index: 0, records: batch(['x']) }]
  client.raw.write(produceApi, 9, {
    acks: 0,
    timeoutMs: 1000,
    topicData: [{ name: topic.name, partitionData }],
  })
  const partitions = [{ partitionIndex: 0, timestamp: -1n }]
  return client.send(listOffsetsApi, 1, { topics: [{ name: topic.name, partitions }] })
})

const badWithoutAcks = [
  ['a topic that is unknown', async () => 'connection-nowhere', batch(['x'])],
  ['a checksum that is wrong', undefined, batch(['x'], { crcError: 1 })],
] as const

for (const [condition, name, records] of badWithoutAcks) {
  differential('Connection', `acks=0 with ${condition} closes the connection`, async (t) => {
    const topic = name === undefined ? (await t.topic('a')).name : await name()
    const client = await t.connect()
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
    client.raw.write(produceApi, 9, { acks: 0, timeoutMs: 1000, topicData })
    return orClosed(client.send(apiVersionsApi, 0, {}))
  })
}
