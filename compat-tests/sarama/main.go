// The features of sarama, shown one by one (see package harness).
//
// usage: sarama BOOTSTRAP VERSION FEATURE...
//
//	sarama BOOTSTRAP VERSION metrics TOPIC GROUP
//
// VERSION is what the client takes the broker for, as `2.8.0`: it decides which versions of each API sarama uses.
package main

import (
	"os"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

var features = map[string]Feature{
	"version":                   Version("github.com/IBM/sarama"),
	"gzip":                      codec("gzip", sarama.CompressionGZIP),
	"snappy":                    codec("snappy", sarama.CompressionSnappy),
	"lz4":                       codec("lz4", sarama.CompressionLZ4),
	"zstd":                      codec("zstd", sarama.CompressionZSTD),
	"headers":                   headers,
	"keys":                      keys,
	"null values":               nullValues,
	"acks 0, 1 and all":         acks,
	"groups with rebalances":    rebalances,
	"cooperative rebalances":    cooperative,
	"static members":            staticMembers,
	"crash and resume":          crashAndResume,
	"seeks":                     seeks,
	"offsets by time":           offsetsByTime,
	"idempotence":               idempotence,
	"transactions":              transactions,
	"offsets in transactions":   offsetsInTransactions,
	"admin: topics":             adminTopics,
	"admin: groups and offsets": adminGroups,
	"admin: configs":            adminConfigs,
	"admin: cluster":            adminCluster,
}

func main() {
	Bootstrap = os.Args[1]
	brokerVersion = Must(sarama.ParseKafkaVersion(os.Args[2]))
	switch os.Args[3] {
	case "worker":
		crashWorker(os.Args[4], os.Args[5])
	case "metrics":
		metrics(os.Args[4], os.Args[5])
	default:
		Show(features, os.Args[3:])
	}
}
