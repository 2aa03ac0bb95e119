// The features of segmentio's kafka-go, shown one by one (see package harness).
package main

import (
	"os"

	"github.com/segmentio/kafka-go"
	. "ottla/compat-tests/go-harness"
)

var features = map[string]Feature{
	"version":                   Version("github.com/segmentio/kafka-go"),
	"gzip":                      codec("gzip", kafka.Gzip),
	"snappy":                    codec("snappy", kafka.Snappy),
	"lz4":                       codec("lz4", kafka.Lz4),
	"zstd":                      codec("zstd", kafka.Zstd),
	"headers":                   headers,
	"keys":                      keys,
	"null values":               nullValues,
	"acks 0, 1 and all":         acks,
	"groups with rebalances":    rebalances,
	"crash and resume":          crashAndResume,
	"seeks":                     seeks,
	"offsets by time":           offsetsByTime,
	"admin: topics":             adminTopics,
	"admin: groups and offsets": adminGroups,
	"admin: configs":            adminConfigs,
	"admin: cluster":            adminCluster,
}

func main() {
	Bootstrap = os.Args[1]
	if os.Args[2] == "worker" {
		crashWorker(os.Args[3], os.Args[4])
		return
	}
	Show(features, os.Args[2:])
}
