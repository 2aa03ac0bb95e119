/** The example in examples/compose, with `docker compose` or, where that is not installed, `docker-compose`. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../broker-process.ts'
import { ensureBase } from '../docker/image.ts'
import { kafkaClient, send, startReader } from '../kafkajs/client.ts'
import { describeWithContainers, runProgram } from '../testcontainers/containers.ts'
import { root, type Tool } from '../tools.ts'
import { until } from '../until.ts'

const TEST_MS = 300_000

const commands: readonly Tool['command'][] = [['docker', 'compose'], ['docker-compose']]
const command = commands.find(
  ([program, ...args]) => spawnSync(program, [...args, 'version'], { stdio: 'ignore' }).status === 0,
)

const compose: Tool = {
  command: command ?? ['docker-compose'],
  missing: command === undefined ? 'docker-compose is not installed: run .ci/install-tools' : undefined,
}

describeWithContainers('compose', compose, (images) => {
  test(
    'an application beside the broker, and a client on this machine',
    async () => {
      const port = await freePort()
      const settings = { BASE: await ensureBase(), KAFKA_PORT: `${port}` }
      const project = ['-f', join(root, 'examples/compose/compose.yaml'), '-p', `ottla-example-${port}`]
      const run = (...args: readonly string[]): Promise<string> =>
        runProgram(compose.command, [...project, ...args], { images: images(), folder: root, settings })
      try {
        await run('up', '--build', '--detach')
        expect(await confirmationOf(`localhost:${port}`, 'tea')).toBe('tea: on its way')
        await until('the application has logged the order', async () =>
          (await run('logs', 'application')).includes('order 42: tea'),
        )
        // Its data are in a volume.
        await run('stop', 'kafka')
        await run('start', 'kafka')
        expect(await confirmationOf(`localhost:${port}`, 'coffee', 2)).toBe('coffee: on its way')
      } finally {
        await run('down', '--volumes', '--rmi', 'local', '--timeout', '1')
      }
    },
    TEST_MS,
  )
})

/** What the application has answered to the `count`th order, which is sent here. */
async function confirmationOf(bootstrapServers: string, order: string, count = 1): Promise<string | null> {
  const kafka = kafkaClient(bootstrapServers)
  await send(kafka, 'orders', [{ key: '42', value: order }])
  const group = `readers-of-${order}`
  await using reader = await startReader(kafka, { topic: 'confirmations', groupId: group })
  return (await reader.values(count)).at(-1) ?? null
}
