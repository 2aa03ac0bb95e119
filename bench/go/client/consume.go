package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consume reads a topic from its start to what is its end now, several times, without a group. With several clients
// each reads one partition, in turn. What is timed begins when every client is connected and knows the broker.
func consume(args []string) error {
	flags, broker := newFlags("consume")
	topic := flags.String("topic", "", "the topic")
	clients := flags.Int("clients", 1, "how many clients read at once; of more than one each reads one partition")
	times := flags.Int("times", 1, "how often to read everything")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ends, err := recordCounts(ctx, broker, *topic)
	if err != nil {
		return err
	}
	sum := produced{}
	for range *times {
		once, err := readOnce(ctx, broker, *topic, *clients, ends)
		if err != nil {
			return err
		}
		sum.Bytes += once.Bytes
		sum.add(once.stretch)
	}
	return printJSON(sum)
}

// recordCounts tells how many records each partition has, of a topic that nobody has deleted records of.
func recordCounts(ctx context.Context, broker *target, topic string) (map[int32]int64, error) {
	client, err := broker.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := listed.Error(); err != nil {
		return nil, err
	}
	counts := map[int32]int64{}
	listed.Each(func(offset kadm.ListedOffset) { counts[offset.Partition] = offset.Offset })
	return counts, nil
}

func readOnce(ctx context.Context, broker *target, topic string, clients int, ends map[int32]int64) (produced, error) {
	readers := make([]reader, clients)
	for index := range readers {
		client, err := broker.client()
		if err != nil {
			return produced{}, err
		}
		defer client.Close()
		if err := client.Ping(ctx); err != nil {
			return produced{}, err
		}
		readers[index] = reader{client: client, offsets: map[int32]kgo.Offset{}}
		for partition, end := range ends {
			if end > 0 && (clients == 1 || int(partition) == index%len(ends)) {
				readers[index].offsets[partition] = kgo.NewOffset().At(0)
				readers[index].expected += end
			}
		}
	}
	watch := startStopwatch(broker)
	var running sync.WaitGroup
	for index := range readers {
		running.Go(func() { readers[index].read(ctx, topic) })
	}
	running.Wait()
	sum := produced{stretch: watch.stop()}
	for _, reader := range readers {
		if reader.err != nil {
			return sum, reader.err
		}
		sum.Bytes += reader.bytes
	}
	return sum, nil
}

type reader struct {
	client   *kgo.Client
	offsets  map[int32]kgo.Offset
	expected int64
	records  int64
	bytes    int64
	err      error
}

func (reader *reader) read(ctx context.Context, topic string) {
	reader.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: reader.offsets})
	for reader.records < reader.expected {
		fetches := reader.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			reader.err = fmt.Errorf("after %d of %d records: %w", reader.records, reader.expected, err)
			return
		}
		fetches.EachRecord(func(record *kgo.Record) {
			reader.records++
			reader.bytes += int64(len(record.Value))
		})
	}
}
