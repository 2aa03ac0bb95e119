import { expect, test } from 'vitest'
import { type Flags, parseArguments } from './arguments.ts'

const DEFAULTS: Flags = {
  port: undefined,
  host: undefined,
  topics: [],
  dataDir: undefined,
  clusterId: undefined,
  config: {},
  configFiles: [],
  logLevel: 'info',
}

test.each<[string, Partial<Flags>]>([
  ['', {}],
  ['start', {}],
  ['--port 19092', { port: 19092 }],
  ['start -p 0 --host localhost', { port: 0, host: 'localhost' }],
  ['--port=0', { port: 0 }],
  [
    '-t orders:3 --topic payments',
    {
      topics: [
        { name: 'orders', partitions: 3 },
        { name: 'payments', partitions: undefined },
      ],
    },
  ],
  [
    '-c num.partitions=3 --config sasl.jaas.config=a=b -c log.dirs=',
    { config: { 'num.partitions': '3', 'sasl.jaas.config': 'a=b', 'log.dirs': '' } },
  ],
  ['--data-dir ./data', { dataDir: './data' }],
  ['-d data --cluster-id=-x', { dataDir: 'data', clusterId: '-x' }],
  ['-c listeners=PLAINTEXT://:9093', { config: { listeners: 'PLAINTEXT://:9093' } }],
  [
    '--config server.properties -c num.partitions=3 -c ./more',
    { configFiles: ['server.properties', './more'], config: { 'num.partitions': '3' } },
  ],
  ['--log-level DEBUG', { logLevel: 'debug' }],
])('ottla %s starts', (line, flags) => {
  const args = line === '' ? [] : line.split(' ')
  expect(parseArguments(args)).toEqual({ kind: 'start', flags: { ...DEFAULTS, ...flags } })
})

test.each([
  ['--help', 'help'],
  ['-h', 'help'],
  ['help', 'help'],
  ['start --port 1 --help', 'help'],
  ['--version', 'version'],
  ['-v', 'version'],
  ['version', 'version'],
])('ottla %s', (line, kind) => {
  expect(parseArguments(line.split(' '))).toEqual({ kind })
})

test.each([
  ['--prot 1', 'there is no option --prot: did you mean --port?'],
  ['--loglevel debug', 'there is no option --loglevel: did you mean --log-level?'],
  ['--datadir x', 'there is no option --datadir: did you mean --data-dir?'],
  ['--data-dir', '--data-dir needs a value, as in --data-dir ./data'],
  ['-d a --data-dir b', '--data-dir is given twice'],
  ['-d a -c log.dirs=b', 'the config log.dirs says where the data are: leave out --data-dir'],
  ['--cluster-id', '--cluster-id needs a value, as in --cluster-id=4L6g3nShT-eMCtK--X86sw'],
  ['-x', 'there is no option -x'],
  ['--port', '--port needs a value, as in --port 9092'],
  ['--port --host a', '--port needs a value, as in --port 9092'],
  ['--port=', '--port needs a value, as in --port 9092'],
  ['-p 1 --port 2', '--port is given twice'],
  ['--port 65536', '65536 is no port: give a number from 0 (any free port) to 65535'],
  ['--port 9092x', '9092x is no port: give a number from 0 (any free port) to 65535'],
  ['--help=yes', '--help takes no value'],
  ['strat', 'there is no command strat: did you mean start?'],
  ['run', 'there is no command run (the only one is start)'],
  ['start 9092', 'start takes options only, not 9092'],
  ['-t orders:0', 'orders:0 is no topic: give its name and number of partitions, as in orders:3'],
  ['-t orders:x', 'orders:x is no topic: give its name and number of partitions, as in orders:3'],
  ['-t :3', ':3 is no topic: give its name and number of partitions, as in orders:3'],
  ['-c =3', '=3 is no config: give its name and value, as in num.partitions=3'],
  ['--log-level loud', 'loud is no log level: choose one of fatal, error, warn, info, debug, trace, silent'],
  [
    '-c listeners=PLAINTEXT://:1 --port 2',
    'the config listeners says where to listen: leave out --port and --host',
  ],
])('ottla %s is refused', (line, message) => {
  expect(() => parseArguments(line.split(' '))).toThrow(message)
})

test('a config of a strange name stays a config', () => {
  const command = parseArguments(['-c', '__proto__=x'])
  if (command.kind !== 'start') throw new Error(command.kind)
  expect(Object.entries(command.flags.config)).toEqual([['__proto__', 'x']])
})
