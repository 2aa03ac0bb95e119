package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func unique(name string) string {
	return fmt.Sprintf("%s-%s", name, rand.Text()[:12])
}

func newClient(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.FetchMaxWait(50 * time.Millisecond),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	}, options...)...)
	check(err)
	return client
}

func newAdmin() *kadm.Client {
	return kadm.NewClient(newClient())
}

func createTopic(r *run, name string, partitions int32) string {
	admin := newAdmin()
	defer admin.Close()
	topic := unique(name)
	_, err := admin.CreateTopic(r, partitions, -1, nil, topic)
	check(err)
	return topic
}

// produce sends records in order and waits for all answers.
func produce(r *run, topic string, records []*kgo.Record, options ...kgo.Opt) {
	client := newClient(append(options, kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(5*time.Millisecond))...)
	defer client.Close()
	check(client.ProduceSync(r, records...).FirstErr())
}

// numbered are records "message 0", "message 1", ... for one partition.
func numbered(count int, partition int32) []*kgo.Record {
	records := make([]*kgo.Record, count)
	for index := range records {
		records[index] = &kgo.Record{Value: fmt.Appendf(nil, "message %d", index), Partition: partition}
	}
	return records
}

var byHand = kgo.RecordPartitioner(kgo.ManualPartitioner())

// reader is a consumer that remembers what it was given and how it was assigned.
type reader struct {
	*kgo.Client
	records []*kgo.Record

	lock   sync.Mutex
	held   []int32
	events []string
}

// readFrom starts a consumer of partitions by hand, without a group.
func readFrom(topic string, offsets map[int32]kgo.Offset, options ...kgo.Opt) *reader {
	assigned := map[string]map[int32]kgo.Offset{topic: offsets}
	return &reader{Client: newClient(append(options, kgo.ConsumePartitions(assigned))...)}
}

func fromStart(partitions int32) map[int32]kgo.Offset {
	offsets := map[int32]kgo.Offset{}
	for partition := range partitions {
		offsets[partition] = kgo.NewOffset().AtStart()
	}
	return offsets
}

// join starts a consumer in a group.
func join(topic, group string, options ...kgo.Opt) *reader {
	member := &reader{}
	note := func(event string, change func(held, moved []int32) []int32) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, moved map[string][]int32) {
			member.lock.Lock()
			defer member.lock.Unlock()
			partitions := slices.Sorted(slices.Values(moved[topic]))
			if len(partitions) == 0 {
				return
			}
			member.held = change(member.held, partitions)
			slices.Sort(member.held)
			member.events = append(member.events, fmt.Sprint(event, " ", partitions))
		}
	}
	gain := func(held, moved []int32) []int32 { return append(slices.Clone(held), moved...) }
	lose := func(held, moved []int32) []int32 {
		return slices.DeleteFunc(slices.Clone(held), func(each int32) bool { return slices.Contains(moved, each) })
	}
	member.Client = newClient(append([]kgo.Opt{
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.SessionTimeout(sessionTimeout),
		kgo.RebalanceTimeout(10 * time.Second),
		kgo.HeartbeatInterval(100 * time.Millisecond),
		kgo.OnPartitionsAssigned(note("assigned", gain)),
		kgo.OnPartitionsRevoked(note("revoked", lose)),
		kgo.OnPartitionsLost(note("lost", lose)),
	}, options...)...)
	return member
}

func (member *reader) partitions() []int32 {
	member.lock.Lock()
	defer member.lock.Unlock()
	return slices.Clone(member.held)
}

func (member *reader) rebalances() []string {
	member.lock.Lock()
	defer member.lock.Unlock()
	return slices.Clone(member.events)
}

// read waits until count records have come in all.
func (member *reader) read(r *run, count int) []*kgo.Record {
	for len(member.records) < count {
		fetches := member.PollFetches(r)
		check(fetches.Err())
		member.records = append(member.records, fetches.Records()...)
	}
	return member.records
}

func values(records []*kgo.Record) []string {
	texts := make([]string, len(records))
	for index, record := range records {
		texts[index] = string(record.Value)
	}
	return texts
}

func offsets(records []*kgo.Record) []int64 {
	numbers := make([]int64, len(records))
	for index, record := range records {
		numbers[index] = record.Offset
	}
	return numbers
}

// shared tells whether members hold each of partitions 0 to count-1 once, and none holds nothing.
func shared(count int32, members ...*reader) bool {
	var all []int32
	for _, member := range members {
		held := member.partitions()
		if len(held) == 0 {
			return false
		}
		all = append(all, held...)
	}
	slices.Sort(all)
	return slices.Equal(all, upTo(count))
}

func upTo(count int32) []int32 {
	numbers := make([]int32, count)
	for index := range numbers {
		numbers[index] = int32(index)
	}
	return numbers
}
