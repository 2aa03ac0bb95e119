/** Run by listener.test.ts: a program that forgets to stop its listener, with a client connected. It has to end on its own. */
import { heartbeat, startTestBroker } from './raw-client.suite.ts'

const broker = await startTestBroker({ keepAlive: process.argv[2] === 'keepAlive' })
const client = await broker.connect()
client.send(heartbeat('a', 1))
const ids = await client.correlationIds(1)
client.socket.unref()
process.stdout.write(`answered ${ids}\n`)
