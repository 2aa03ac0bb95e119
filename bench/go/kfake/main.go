// A fake Kafka of franz-go as a server of its own: one broker that keeps everything in memory.
//
// usage: kfake -port PORT [-config NAME=VALUE]...
//
// Ends by SIGTERM or SIGINT.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

type configs map[string]string

func (c configs) String() string { return "" }

func (c configs) Set(text string) error {
	name, value, there := strings.Cut(text, "=")
	if !there {
		return fmt.Errorf("%q has no =", text)
	}
	c[name] = value
	return nil
}

func main() {
	port := flag.Int("port", 9092, "where it listens, on 127.0.0.1")
	broker := configs{}
	flag.Var(broker, "config", "a broker config, name=value")
	flag.Parse()
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(*port),
		kfake.DefaultNumPartitions(1),
		kfake.AllowAutoTopicCreation(),
		kfake.BrokerConfigs(broker),
	)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
	cluster.Close()
}
