/** What `ottla --help` prints. */
export const HELP = `ottla is a small Kafka broker: Kafka clients talk to it unchanged.

Usage: ottla [start] [options]
       ottla topics --help          create, list, describe, alter and delete topics, as kafka-topics does
       ottla api-versions --help    print what brokers serve, as kafka-broker-api-versions does

Options:
  -p, --port <port>               port to listen on; 0 takes any free one (default: 9092)
      --host <host>               address to listen on, such as localhost (default: all addresses)
  -t, --topic <name[:partitions]> topic to create at the start; may be given more than once
  -d, --data-dir <directory>      where to keep everything, in Kafka's own format (default: in memory)
      --cluster-id <id>           id of the cluster: a new data directory gets it, another one has to have it
  -c, --config <name=value|file>  Kafka broker config, such as num.partitions=3, or a file of them, such as
                                  server.properties; may be given more than once
      --log-level <level>         fatal, error, warn, info, debug, trace or silent (default: info)
  -h, --help                      print this
  -v, --version                   print the version

Examples:
  ottla
  ottla --port 19092 --topic orders:3 --topic payments
  ottla --data-dir ./data
  ottla -c auto.create.topics.enable=false -c log.retention.ms=60000
  KAFKA_NUM_PARTITIONS=3 ottla --config server.properties

Configs of the environment (KAFKA_NUM_PARTITIONS or KAFKA_CFG_NUM_PARTITIONS for num.partitions; a double underscore
stands for _, a triple one for -) win over those of files, and flags over both.
Ctrl-C stops it when what is in flight has been answered; a second Ctrl-C stops it at once.
Exit codes: 0 stopped, 1 could not start or failed, 2 wrong usage, 130 or 143 stopped at once by a second signal.
`
