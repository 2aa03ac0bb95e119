package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A run that takes longer is stuck.
const patience = 3 * time.Minute

// target is the broker that all subcommands are told of.
type target struct {
	brokers string
	pid     int
}

// newFlags begins the flags of a subcommand with those that all have.
func newFlags(name string) (*flag.FlagSet, *target) {
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	broker := &target{}
	flags.StringVar(&broker.brokers, "brokers", "", "the bootstrap servers, comma-separated")
	flags.IntVar(&broker.pid, "pid", 0, "the broker's process, whose processor time is told")
	return flags, broker
}

func (broker *target) client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(strings.Split(broker.brokers, ",")...)}, options...)...)
}

// createTopic makes a topic unless it is there, with configs as name=value, comma-separated.
func (broker *target) createTopic(ctx context.Context, topic string, partitions int, configs string) error {
	client, err := broker.client()
	if err != nil {
		return err
	}
	defer client.Close()
	values := map[string]*string{}
	for _, config := range strings.FieldsFunc(configs, func(char rune) bool { return char == ',' }) {
		name, value, _ := strings.Cut(config, "=")
		values[name] = &value
	}
	_, err = kadm.NewClient(client).CreateTopic(ctx, int32(partitions), 1, values, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

// stopwatch measures a stretch of work: wall time, the client's and the broker's processor time.
type stopwatch struct {
	broker   *target
	began    time.Time
	ownMs    float64
	brokerMs float64
}

// stretch is what a stopwatch has measured.
type stretch struct {
	Seconds  float64 `json:"seconds"`
	ClientMs float64 `json:"clientMs"`
	BrokerMs float64 `json:"brokerMs"`
}

func startStopwatch(broker *target) *stopwatch {
	watch := &stopwatch{broker: broker}
	watch.brokerMs = processorMs(broker.pid)
	watch.ownMs = ownProcessorMs()
	watch.began = time.Now()
	return watch
}

func (watch *stopwatch) stop() stretch {
	seconds := time.Since(watch.began).Seconds()
	ownMs := ownProcessorMs() - watch.ownMs
	return stretch{Seconds: seconds, ClientMs: ownMs, BrokerMs: processorMs(watch.broker.pid) - watch.brokerMs}
}

func (sum *stretch) add(other stretch) {
	sum.Seconds += other.Seconds
	sum.ClientMs += other.ClientMs
	sum.BrokerMs += other.BrokerMs
}

func ownProcessorMs() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	ms := func(time syscall.Timeval) float64 { return float64(time.Sec)*1e3 + float64(time.Usec)/1e3 }
	return ms(usage.Utime) + ms(usage.Stime)
}

// processorMs is what a process has used of all processors, its ended threads included, in steps of 10 ms.
func processorMs(pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The program's name, in parentheses, may hold anything.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	user, _ := strconv.ParseFloat(string(fields[11]), 64)
	system, _ := strconv.ParseFloat(string(fields[12]), 64)
	return (user + system) * 10
}

// payloads are values to produce in turn: half of each is random, half is not, so that compression has something to do
// and not everything. There are so many that none comes again within the window of a codec.
func payloads(size int) [][]byte {
	const all = 8 << 20
	random := rand.NewChaCha8([32]byte{})
	values := make([][]byte, max(1, all/size))
	for index := range values {
		value := make([]byte, size)
		random.Read(value[:size/2])
		copy(value[size/2:], bytes.Repeat([]byte(`{"id":1,"state":"paid"}`), size/2/23+1))
		values[index] = value
	}
	return values
}

func printJSON(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}

func createTopics(args []string) error {
	flags, broker := newFlags("create")
	topic := flags.String("topic", "", "the topic")
	partitions := flags.Int("partitions", 1, "how many partitions it is made with")
	configs := flags.String("configs", "", "its configs: name=value, comma-separated")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := broker.createTopic(ctx, *topic, *partitions, *configs); err != nil {
		return err
	}
	return printJSON(map[string]string{"created": *topic})
}

func deleteTopics(args []string) error {
	flags, broker := newFlags("delete")
	topic := flags.String("topic", "", "the topic")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client, err := broker.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).DeleteTopic(ctx, *topic); err != nil {
		return err
	}
	return printJSON(map[string]string{"deleted": *topic})
}
