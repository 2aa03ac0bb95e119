package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Bytes of a record's value.
const latencyBytes = 1024

type latencies struct {
	P50Ms  float64 `json:"p50Ms"`
	P99Ms  float64 `json:"p99Ms"`
	P999Ms float64 `json:"p999Ms"`
	// How late the client itself was with what it sent.
	LateP99Ms float64 `json:"lateP99Ms"`
	// Until the producer had its answer.
	AckP99Ms float64 `json:"ackP99Ms"`
	stretch
}

// latency sends records at a steady rate and measures how long each takes until a consumer has it. The producer and the
// consumer are two clients of one process, so that they have one clock; the time of sending is in the record.
func latency(args []string) error {
	flags, broker := newFlags("latency")
	topic := flags.String("topic", "", "the topic, which is made unless it is there")
	rate := flags.Int("rate", 1000, "records a second")
	seconds := flags.Float64("seconds", 10, "how long it is measured")
	warmSeconds := flags.Float64("warm", 3, "how long records are sent before that")
	flags.Parse(args)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := broker.createTopic(ctx, *topic, 1, ""); err != nil {
		return err
	}
	producer, err := broker.client(kgo.DefaultProduceTopic(*topic), kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := warm(ctx, broker, *topic, 1, producer); err != nil {
		return err
	}
	consumer, err := broker.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		*topic: {0: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		return err
	}
	defer consumer.Close()
	run := steadyRun{
		clock:  time.Now(),
		every:  time.Second / time.Duration(*rate),
		warm:   int(float64(*rate) * *warmSeconds),
		total:  int(float64(*rate) * (*warmSeconds + *seconds)),
		values: payloads(latencyBytes),
	}
	received := make(chan []time.Duration, 1)
	failed := make(chan error, 2)
	go func() {
		taken, err := run.receive(ctx, consumer)
		if err != nil {
			failed <- err
			return
		}
		received <- taken
	}()
	late, acks, measured, err := run.send(ctx, broker, producer)
	if err != nil {
		return err
	}
	select {
	case taken := <-received:
		slices.Sort(taken)
		return printJSON(latencies{
			P50Ms: quantile(taken, 0.5), P99Ms: quantile(taken, 0.99), P999Ms: quantile(taken, 0.999),
			LateP99Ms: quantile(late, 0.99), AckP99Ms: quantile(acks, 0.99), stretch: measured,
		})
	case err := <-failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not all records were received: %w", ctx.Err())
	}
}

// steadyRun is one rate for some time.
type steadyRun struct {
	clock       time.Time
	every       time.Duration
	warm, total int
	values      [][]byte
}

// send sends every record at its time; when it is late, it sends what is due at once.
func (run *steadyRun) send(
	ctx context.Context, broker *target, producer *kgo.Client,
) (late, acks []time.Duration, measured stretch, err error) {
	late = make([]time.Duration, run.total)
	acks = make([]time.Duration, run.total)
	answers := make(chan error, run.total)
	began := time.Since(run.clock)
	var watch *stopwatch
	for index := range run.total {
		if index == run.warm {
			watch = startStopwatch(broker)
		}
		due := began + time.Duration(index)*run.every
		now := time.Since(run.clock)
		if now < due {
			time.Sleep(due - now)
			now = time.Since(run.clock)
		}
		late[index] = now - due
		value := slices.Clone(run.values[index%len(run.values)])
		binary.BigEndian.PutUint64(value, uint64(now))
		binary.BigEndian.PutUint64(value[8:], uint64(index)+1)
		producer.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
			acks[index] = time.Since(run.clock) - now
			answers <- err
		})
	}
	for range run.total {
		if err := <-answers; err != nil {
			return nil, nil, stretch{}, err
		}
	}
	measured = watch.stop()
	late, acks = late[run.warm:], acks[run.warm:]
	slices.Sort(late)
	slices.Sort(acks)
	return late, acks, measured, nil
}

// receive takes the time of every record behind the warm ones.
func (run *steadyRun) receive(ctx context.Context, consumer *kgo.Client) ([]time.Duration, error) {
	taken := make([]time.Duration, 0, run.total-run.warm)
	for last := 0; last < run.total; {
		fetches := consumer.PollFetches(ctx)
		now := time.Since(run.clock)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			value := iterator.Next().Value
			if len(value) < 16 {
				continue // of the warm-up
			}
			last = int(binary.BigEndian.Uint64(value[8:]))
			if last > run.warm {
				taken = append(taken, now-time.Duration(binary.BigEndian.Uint64(value)))
			}
		}
	}
	return taken, nil
}

// quantile is in milliseconds, of what is sorted.
func quantile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	index := min(len(sorted)-1, int(share*float64(len(sorted))))
	return float64(sorted[index].Nanoseconds()) / 1e6
}
