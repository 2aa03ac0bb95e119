package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	. "ottla/compat-tests/go-harness"
)

func codec(name string, compression kafka.Compression) Feature {
	return func(r *Run) {
		topic := createTopic(r, name, 1)
		var sent []string
		for index := range 50 {
			sent = append(sent, strings.Repeat(fmt.Sprint(index, " "), 200))
		}
		produce(r, topic, messages(sent, 0), func(writer *kafka.Writer) { writer.Compression = compression })
		reader := readFrom(topic, 0)
		defer reader.Close()
		Expect(values(receive(r, reader, 50)), sent, "values")
		r.Stored(topic)
	}
}

func headers(r *Run) {
	topic := createTopic(r, "headers", 1)
	sent := []kafka.Header{
		{Key: "plain", Value: []byte("text")},
		{Key: "empty", Value: []byte{}},
		{Key: "binary", Value: []byte{0, 255, 128}},
		{Key: "plain", Value: []byte("again")},
	}
	with, without := kafka.Message{Value: []byte("with"), Headers: sent}, kafka.Message{Value: []byte("without")}
	with.WriterData, without.WriterData = 0, 0
	produce(r, topic, []kafka.Message{with, without})
	reader := readFrom(topic, 0)
	defer reader.Close()
	found := receive(r, reader, 2)
	// The reader makes nil of an empty value.
	Expect(fmt.Sprint(found[0].Headers), fmt.Sprint(sent), "headers")
	Expect(len(found[1].Headers), 0, "no headers")
}

func keys(r *Run) {
	topic := createTopic(r, "keys", 4)
	var sent []kafka.Message
	for turn := range 2 {
		for index := range 20 {
			key := fmt.Sprint("key ", index)
			sent = append(sent, kafka.Message{Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", key, turn)})
		}
	}
	byHash := &kafka.Hash{}
	perPartition := map[int]int{}
	for _, message := range sent {
		perPartition[byHash.Balance(message, 0, 1, 2, 3)]++
	}
	Expect(len(perPartition), 4, "partitions used")
	produce(r, topic, sent, func(writer *kafka.Writer) { writer.Balancer = byHash })
	byKey := map[string][]string{}
	for partition, count := range perPartition {
		reader := readFrom(topic, partition)
		for _, message := range receive(r, reader, count) {
			byKey[string(message.Key)] = append(byKey[string(message.Key)], string(message.Value))
		}
		Check(reader.Close())
	}
	for index := range 20 {
		key := fmt.Sprint("key ", index)
		Expect(byKey[key], []string{key + " 0", key + " 1"}, "messages of a key, in one partition")
	}
}

func nullValues(r *Run) {
	topic := createTopic(r, "nulls", 1)
	key := []byte("a")
	produce(r, topic, []kafka.Message{{Key: key, Value: nil, WriterData: 0}, {Key: key, Value: []byte{}, WriterData: 0}})
	// The reader makes nil of both; the answer to a fetch tells them apart.
	fetched := Must(newClient().Fetch(r, &kafka.FetchRequest{Topic: topic, MinBytes: 1, MaxBytes: 1 << 20}))
	Check(fetched.Error)
	first := Must(fetched.Records.ReadRecord())
	Expect(first.Value, nil, "null")
	second := Must(fetched.Records.ReadRecord())
	Expect(second.Value != nil && second.Value.Len() == 0, true, "empty")
}

func acks(r *Run) {
	topic := createTopic(r, "acks", 1)
	levels := []kafka.RequiredAcks{kafka.RequireAll, kafka.RequireOne, kafka.RequireNone}
	for index, level := range levels {
		produce(r, topic, numbered(3, 0)[index:index+1], func(writer *kafka.Writer) { writer.RequiredAcks = level })
	}
	reader := readFrom(topic, 0)
	defer reader.Close()
	Expect(values(receive(r, reader, 3)), Numbered(3), "values")
}

func seeks(r *Run) {
	topic := createTopic(r, "seeks", 1)
	produce(r, topic, numbered(10, 0))
	reader := readFrom(topic, 0, func(config *kafka.ReaderConfig) {
		config.OffsetOutOfRangeError = true
		config.MaxAttempts = 1
	})
	defer reader.Close()
	Check(reader.SetOffset(7))
	Expect(offsets(receive(r, reader, 3)), []int64{7, 8, 9}, "from a given offset")
	Check(reader.SetOffset(2))
	Expect(offsets(receive(r, reader, 2)), []int64{2, 3}, "after a seek back")
	Check(reader.SetOffset(kafka.FirstOffset))
	Expect(offsets(receive(r, reader, 1)), []int64{0}, "from the start")
	Expect(Must(reader.ReadLag(r)), 9, "lag")
	Check(reader.SetOffset(1000))
	_, err := reader.FetchMessage(r)
	Expect(errors.Is(err, kafka.OffsetOutOfRange), true, fmt.Sprint("beyond the end: ", err))

	latest := readFrom(topic, 0)
	defer latest.Close()
	Check(latest.SetOffset(kafka.LastOffset))
	Expect(Must(latest.ReadLag(r)), 0, "lag at the end")
	// Nobody tells when the reader has found the end.
	found := make(chan kafka.Message, 1)
	go func() {
		if message, err := latest.FetchMessage(r); err == nil {
			found <- message
		}
	}()
	Until(r, "news from the end", func() bool {
		produce(r, topic, messages([]string{"news"}, 0))
		select {
		case message := <-found:
			return string(message.Value) == "news"
		case <-time.After(20 * time.Millisecond):
			return false
		}
	})
}

func offsetsByTime(r *Run) {
	topic := createTopic(r, "time", 2)
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Millisecond)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	produce(r, topic, []kafka.Message{
		{WriterData: 0, Time: at(10), Value: []byte("a")},
		{WriterData: 0, Time: at(30), Value: []byte("b")},
		{WriterData: 0, Time: at(20), Value: []byte("c")},
		{WriterData: 1, Time: at(25), Value: []byte("d")},
	})
	client := newClient()
	after := func(seconds int) []int64 {
		asked := []kafka.OffsetRequest{kafka.TimeOffsetOf(0, at(seconds)), kafka.TimeOffsetOf(1, at(seconds))}
		listed := Must(client.ListOffsets(r, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}}))
		found := []int64{-1, -1}
		for _, partition := range listed.Topics[topic] {
			Check(partition.Error)
			for offset := range partition.Offsets {
				found[partition.Partition] = offset
			}
		}
		return found
	}
	Expect(after(5), []int64{0, 0}, "before all")
	Expect(after(15), []int64{1, 0}, "between")
	Expect(after(26), []int64{1, -1}, "after the only one of partition 1")

	reader := readFrom(topic, 0)
	defer reader.Close()
	Check(reader.SetOffsetAt(r, at(15)))
	found := receive(r, reader, 2)
	Expect(values(found), []string{"b", "c"}, "from a timestamp")
	Expect(found[0].Time.UnixMilli(), at(30).UnixMilli(), "timestamp")
}
