import 'reflect-metadata'
import type { INestMicroservice } from '@nestjs/common'
import { ClientKafka, type KafkaOptions, type MicroserviceOptions, Transport } from '@nestjs/microservices'
import { Test } from '@nestjs/testing'
import { logLevel } from 'kafkajs'
import { useKafka } from 'ottla/jest'
import { firstValueFrom } from 'rxjs'
import { MathController } from './math.controller'

let app: INestMicroservice
let client: ClientKafka

// In front of the cluster's own: Jest calls such hooks in the order in which they stand here.
afterAll(async () => {
  await client.close()
  await app.close()
})

const cluster = useKafka({ topics: ['math.sum', 'math.sum.reply', 'math.seen'] })

beforeAll(async () => {
  const module = await Test.createTestingModule({ controllers: [MathController] }).compile()
  app = module.createNestMicroservice<MicroserviceOptions>({
    transport: Transport.KAFKA,
    options: options('service'),
    logger: ['error'],
  })
  await app.listen()
  client = new ClientKafka(options('caller'))
  client.subscribeToResponseOf('math.sum')
  await client.connect()
})

function options(groupId: string): NonNullable<KafkaOptions['options']> {
  const brokers = [cluster().bootstrapServers]
  return {
    client: { brokers, logLevel: logLevel.NOTHING },
    consumer: { groupId, maxWaitTimeInMs: 100 },
    subscribe: { fromBeginning: true },
  }
}

test('answers over Kafka', async () => {
  expect(Number(await firstValueFrom(client.send('math.sum', [1, 2, 3])))).toBe(6)
  const reply = await cluster()
    .topic('math.sum.reply')
    .waitFor(() => true)
  expect(reply.text()).toBe('6')
})

test('takes note of events', async () => {
  await firstValueFrom(client.emit('math.seen', { id: 7 }))
  const record = await cluster()
    .topic('math.seen')
    .waitFor(() => true)
  expect(record.json()).toEqual({ id: 7 })
  const controller = app.get(MathController)
  while (controller.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(controller.seen).toEqual([{ id: 7 }])
})
