/** What `ottla topics` can be told: the options of kafka-topics, checked as it checks them. */
import { type Options, type OptionTable, parseOptions } from './command-options.ts'
import { UsageError } from './usage-error.ts'

export const TOPICS_HELP = `Creates, lists, describes, alters and deletes topics, as kafka-topics does.

Usage: ottla topics --bootstrap-server <host:port> <action> [options]

Actions:
      --create                      create --topic
      --list                        list all topics, or those that --topic matches
      --describe                    describe all topics, or those that --topic matches
      --alter                       raise the number of partitions of --topic to --partitions
      --delete                      delete the topics that --topic matches

Options:
      --bootstrap-server <servers>  whom to ask; waits up to 60 s until somebody answers
      --topic <name|pattern>        the topic; a regular expression for all actions but --create
      --topic-id <id>               the topic to describe
      --partitions <n>              number of partitions
      --replication-factor <n>      number of replicas
      --replica-assignment <ids>    brokers of each partition, as in 1:2,2:1
      --config <name=value>         config of the topic to create; may be given more than once
      --if-not-exists, --if-exists  no failure when the topic exists, or does not
      --exclude-internal            leave out internal topics
      --under-replicated-partitions, --unavailable-partitions, --under-min-isr-partitions,
      --at-min-isr-partitions, --topics-with-overrides
                                    describe only these
      --command-config <file>       configs of an admin client: taken note of, with no effect
`

const OPTIONS: OptionTable = {
  'bootstrap-server': 'value',
  'command-config': 'value',
  list: 'flag',
  create: 'flag',
  delete: 'flag',
  alter: 'flag',
  describe: 'flag',
  topic: 'value',
  'topic-id': 'value',
  config: 'value',
  partitions: 'value',
  'replication-factor': 'value',
  'replica-assignment': 'value',
  'under-replicated-partitions': 'flag',
  'unavailable-partitions': 'flag',
  'under-min-isr-partitions': 'flag',
  'at-min-isr-partitions': 'flag',
  'topics-with-overrides': 'flag',
  'if-exists': 'flag',
  'if-not-exists': 'flag',
  'exclude-internal': 'flag',
  'partition-size-limit-per-response': 'value',
  help: 'flag',
}

const ACTIONS = ['list', 'describe', 'create', 'alter', 'delete'] as const

/** Which actions an option goes with. */
const GOES_WITH: Readonly<Record<string, readonly (typeof ACTIONS)[number][]>> = {
  config: ['create'],
  partitions: ['create', 'alter'],
  'replication-factor': ['create'],
  'replica-assignment': ['create', 'alter'],
  'if-exists': ['alter', 'delete', 'describe'],
  'if-not-exists': ['create'],
  'exclude-internal': ['list', 'describe'],
  'topic-id': ['describe'],
  'under-replicated-partitions': ['describe'],
  'unavailable-partitions': ['describe'],
  'under-min-isr-partitions': ['describe'],
  'at-min-isr-partitions': ['describe'],
  'topics-with-overrides': ['describe'],
}

/** @throws UsageError */
export function parseTopicsOptions(args: readonly string[]): Options {
  return parseOptions(OPTIONS, args)
}

/** What is to be done, when all that it needs is there. @throws UsageError */
export function actionOf(options: Options): (typeof ACTIONS)[number] {
  const [action, another] = ACTIONS.filter((name) => options.has(name))
  if (action === undefined || another !== undefined) {
    throw new UsageError(
      'Command must include exactly one action: --list, --describe, --create, --alter or --delete',
    )
  }
  if (!options.has('bootstrap-server')) throw new UsageError('--bootstrap-server must be specified')
  if (action !== 'list' && action !== 'describe' && !options.has('topic')) {
    throw new UsageError('Missing required argument "[topic]"')
  }
  if (action === 'alter' && !options.has('partitions')) {
    throw new UsageError(
      'Missing required argument "[partitions]": only the number of partitions can be altered',
    )
  }
  for (const [name, actions] of Object.entries(GOES_WITH)) {
    if (options.has(name) && !actions.includes(action)) {
      throw new UsageError(`Option "[${name}]" can't be used with option "[${action}]"`)
    }
  }
  if (action === 'create' && options.has('replica-assignment')) {
    for (const name of ['partitions', 'replication-factor']) {
      if (options.has(name))
        throw new UsageError(`Option "[replica-assignment]" can't be used with option "[${name}]"`)
    }
  }
  return action
}
