package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

type committed struct {
	Transactions int     `json:"transactions"`
	P99Ms        float64 `json:"p99Ms"`
	stretch
}

// transactions commits small transactions, one after another: begin, one record and its answer, commit. With -offsets
// each of them also takes one record from another topic in a group, and commits its offset.
func transactions(args []string) error {
	flags, broker := newFlags("transactions")
	topic := flags.String("topic", "", "the topic, which is made unless it is there")
	seconds := flags.Float64("seconds", 5, "how long it is measured")
	warmSeconds := flags.Float64("warm", 1, "how long transactions are made before that")
	offsets := flags.Bool("offsets", false, "consume, produce and commit offsets instead of producing alone")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := broker.createTopic(ctx, *topic, 1, ""); err != nil {
		return err
	}
	begin := beginProducing
	if *offsets {
		begin = beginTransforming
	}
	transact, end, err := begin(ctx, broker, *topic)
	if err != nil {
		return err
	}
	defer end()
	if _, err := transactFor(time.Duration(*warmSeconds*float64(time.Second)), transact); err != nil {
		return err
	}
	watch := startStopwatch(broker)
	taken, err := transactFor(time.Duration(*seconds*float64(time.Second)), transact)
	if err != nil {
		return err
	}
	measured := watch.stop()
	slices.Sort(taken)
	return printJSON(committed{
		Transactions: len(taken), P99Ms: quantile(taken, 0.99), stretch: measured,
	})
}

func transactFor(duration time.Duration, transact func() error) ([]time.Duration, error) {
	taken := []time.Duration{}
	for end := time.Now().Add(duration); time.Now().Before(end); {
		began := time.Now()
		if err := transact(); err != nil {
			return nil, err
		}
		taken = append(taken, time.Since(began))
	}
	return taken, nil
}

func beginProducing(ctx context.Context, broker *target, topic string) (func() error, func(), error) {
	producer, err := broker.client(kgo.DefaultProduceTopic(topic), kgo.TransactionalID(topic), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return nil, nil, err
	}
	value := []byte("a small record")
	return func() error {
		if err := producer.BeginTransaction(); err != nil {
			return err
		}
		if err := producer.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr(); err != nil {
			return err
		}
		return producer.EndTransaction(ctx, kgo.TryCommit)
	}, producer.Close, nil
}

func beginTransforming(ctx context.Context, broker *target, topic string) (func() error, func(), error) {
	input := topic + "-input"
	if err := broker.createTopic(ctx, input, 1, ""); err != nil {
		return nil, nil, err
	}
	if err := fill(ctx, broker, input, 100_000); err != nil {
		return nil, nil, err
	}
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(broker.brokers), kgo.DefaultProduceTopic(topic), kgo.TransactionalID(topic),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ConsumerGroup(topic), kgo.ConsumeTopics(input), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return nil, nil, err
	}
	return func() error {
		fetches := session.PollRecords(ctx, 1)
		if err := fetches.Err(); err != nil {
			return err
		}
		records := fetches.Records()
		if len(records) != 1 {
			return fmt.Errorf("%d records of one were polled", len(records))
		}
		if err := session.Begin(); err != nil {
			return err
		}
		if err := session.ProduceSync(ctx, &kgo.Record{Value: records[0].Value}).FirstErr(); err != nil {
			return err
		}
		done, err := session.End(ctx, kgo.TryCommit)
		if err == nil && !done {
			err = errors.New("a transaction was aborted")
		}
		return err
	}, session.Close, nil
}

// fill has a topic hold a number of small records.
func fill(ctx context.Context, broker *target, topic string, count int64) error {
	producer, err := broker.client(kgo.DefaultProduceTopic(topic))
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := warm(ctx, broker, topic, 1, producer); err != nil {
		return err
	}
	return sendAll(ctx, []*kgo.Client{producer}, [][]byte{[]byte("a small record")}, count)
}
