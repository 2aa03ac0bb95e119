package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type produced struct {
	Bytes int64 `json:"bytes"`
	stretch
}

// produce sends a number of bytes in records of one size as fast as the broker takes them. What is timed begins when
// every client has sent a record to each partition and has had the answer.
func produce(args []string) error {
	flags, broker := newFlags("produce")
	topic := flags.String("topic", "", "the topic, which is made unless it is there")
	partitions := flags.Int("partitions", 4, "how many partitions the topic is made with")
	configs := flags.String("configs", "", "configs of a topic that is made: name=value, comma-separated")
	size := flags.Int("size", 1024, "bytes of a record's value")
	total := flags.Int64("bytes", 64<<20, "bytes of values to send, over all clients")
	clients := flags.Int("clients", 1, "how many clients send at once, each with a connection of its own")
	acks := flags.String("acks", "all", "1 or all; all also means idempotent")
	compression := flags.String("compression", "none", "none or lz4")
	batch := flags.Int("batch", 1_000_012, "bytes that a batch has at most")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := broker.createTopic(ctx, *topic, *partitions, *configs); err != nil {
		return err
	}
	options := []kgo.Opt{
		kgo.DefaultProduceTopic(*topic),
		kgo.ProducerBatchMaxBytes(int32(*batch)),
		// As many as by default, or 32 MB of them: 50,000 records of 100 bytes are just a batch for each of five partitions.
		kgo.MaxBufferedRecords(max(50_000, 32<<20 / *size)),
	}
	if *acks == "1" {
		options = append(options, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(),
			kgo.MaxProduceRequestsInflightPerBroker(5))
	}
	if *compression == "lz4" {
		options = append(options, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
	} else {
		options = append(options, kgo.ProducerBatchCompression(kgo.NoCompression()))
	}
	producers := make([]*kgo.Client, *clients)
	for index := range producers {
		producer, err := broker.client(options...)
		if err != nil {
			return err
		}
		defer producer.Close()
		if err := warm(ctx, broker, *topic, *partitions, producer); err != nil {
			return err
		}
		producers[index] = producer
	}
	values := payloads(*size)
	each := *total / int64(*size) / int64(*clients)
	watch := startStopwatch(broker)
	if err := sendAll(ctx, producers, values, each); err != nil {
		return err
	}
	return printJSON(produced{Bytes: each * int64(*clients) * int64(*size), stretch: watch.stop()})
}

// warm has a client learn of the topic, open its connections and get its producer id.
func warm(ctx context.Context, broker *target, topic string, partitions int, producer *kgo.Client) error {
	// A topic that has just been made may have no leaders yet, and then a client waits before it asks again.
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := producer.ProduceSync(ctx, &kgo.Record{Value: []byte("warm")}).FirstErr()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cannot produce to %s of %s with %d partitions: %w", topic, broker.brokers, partitions, err)
		}
	}
}

// sendAll has each client send so many records, and waits for all answers.
func sendAll(ctx context.Context, producers []*kgo.Client, values [][]byte, each int64) error {
	var failed atomic.Pointer[error]
	var answers sync.WaitGroup
	var senders sync.WaitGroup
	// What is measured is a broker: the client need not make a new record for each.
	records := sync.Pool{New: func() any { return new(kgo.Record) }}
	promise := func(record *kgo.Record, err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
		*record = kgo.Record{}
		records.Put(record)
		answers.Done()
	}
	for index, producer := range producers {
		answers.Add(int(each))
		senders.Go(func() {
			next := index * 997
			for range each {
				record := records.Get().(*kgo.Record)
				record.Value = values[next%len(values)]
				producer.Produce(ctx, record, promise)
				next++
			}
		})
	}
	senders.Wait()
	answers.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
