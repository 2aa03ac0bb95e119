package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

func codec(name string, compression sarama.CompressionCodec) Feature {
	return func(r *Run) {
		topic := createTopic(name, 1)
		var sent []string
		for index := range 50 {
			sent = append(sent, strings.Repeat(fmt.Sprint(index, " "), 200))
		}
		produce(topic, messages(sent, 0), func(config *sarama.Config) { config.Producer.Compression = compression })
		consumer := newConsumer()
		defer consumer.Close()
		Expect(values(read(r, consumer, topic, 0, sarama.OffsetOldest, 50)), sent, "values")
		r.Stored(topic)
	}
}

func headers(r *Run) {
	topic := createTopic("headers", 1)
	sent := []sarama.RecordHeader{
		{Key: []byte("plain"), Value: []byte("text")},
		{Key: []byte("empty"), Value: []byte{}},
		{Key: []byte("none"), Value: nil},
		{Key: []byte("binary"), Value: []byte{0, 255, 128}},
		{Key: []byte("plain"), Value: []byte("again")},
	}
	with := &sarama.ProducerMessage{Value: sarama.StringEncoder("with"), Headers: sent}
	without := &sarama.ProducerMessage{Value: sarama.StringEncoder("without")}
	produce(topic, []*sarama.ProducerMessage{with, without})
	consumer := newConsumer()
	defer consumer.Close()
	found := read(r, consumer, topic, 0, sarama.OffsetOldest, 2)
	var received []sarama.RecordHeader
	for _, header := range found[0].Headers {
		received = append(received, *header)
	}
	Expect(received, sent, "headers")
	Expect(len(found[1].Headers), 0, "no headers")
}

func keys(r *Run) {
	topic := createTopic("keys", 4)
	var sent []*sarama.ProducerMessage
	for turn := range 2 {
		for index := range 20 {
			key := fmt.Sprint("key ", index)
			value := fmt.Sprint(key, " ", turn)
			sent = append(sent, &sarama.ProducerMessage{Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(value)})
		}
	}
	sent = append(sent,
		&sarama.ProducerMessage{Value: sarama.StringEncoder("no key")},
		&sarama.ProducerMessage{Key: sarama.ByteEncoder{}, Value: sarama.StringEncoder("empty key")},
	)
	produce(topic, sent, func(config *sarama.Config) { config.Producer.Partitioner = sarama.NewHashPartitioner })
	byKey, perPartition := map[string][]string{}, map[int32]int{}
	for _, message := range sent {
		perPartition[message.Partition]++
	}
	Expect(len(perPartition), 4, "partitions used")
	consumer := newConsumer()
	defer consumer.Close()
	for partition, count := range perPartition {
		for _, message := range read(r, consumer, topic, partition, sarama.OffsetOldest, count) {
			key := fmt.Sprintf("%#v", message.Key)
			byKey[key] = append(byKey[key], fmt.Sprint(message.Partition, ": ", string(message.Value)))
		}
	}
	for index := range 20 {
		key := fmt.Sprint("key ", index)
		found := byKey[fmt.Sprintf("%#v", []byte(key))]
		Expect(len(found), 2, "messages of a key")
		partition, first, _ := strings.Cut(found[0], ": ")
		Expect(first, key+" 0", "first of a key")
		Expect(found[1], partition+": "+key+" 1", "second of a key, in the same partition")
	}
	Expect(len(byKey[fmt.Sprintf("%#v", []byte(nil))]), 1, "messages without a key")
	Expect(len(byKey[fmt.Sprintf("%#v", []byte{})]), 1, "messages of an empty key")
}

func nullValues(r *Run) {
	topic := createTopic("nulls", 1)
	key := sarama.StringEncoder("a")
	produce(topic, []*sarama.ProducerMessage{{Key: key, Value: nil}, {Key: key, Value: sarama.ByteEncoder{}}})
	consumer := newConsumer()
	defer consumer.Close()
	found := read(r, consumer, topic, 0, sarama.OffsetOldest, 2)
	Expect(found[0].Value, nil, "null")
	Expect(found[1].Value, []byte{}, "empty")
}

func acks(r *Run) {
	topic := createTopic("acks", 1)
	levels := []sarama.RequiredAcks{sarama.WaitForAll, sarama.WaitForLocal, sarama.NoResponse}
	for index, level := range levels {
		sent := numbered(3, 0)[index : index+1]
		produce(topic, sent, func(config *sarama.Config) { config.Producer.RequiredAcks = level })
		if level != sarama.NoResponse {
			Expect(sent[0].Offset, int64(index), "offset told")
		}
	}
	consumer := newConsumer()
	defer consumer.Close()
	Expect(values(read(r, consumer, topic, 0, sarama.OffsetOldest, 3)), Numbered(3), "values")
}

func seeks(r *Run) {
	topic := createTopic("seeks", 1)
	produce(topic, numbered(10, 0))
	consumer := newConsumer()
	defer consumer.Close()
	Expect(offsets(read(r, consumer, topic, 0, 7, 3)), []int64{7, 8, 9}, "from a given offset")
	Expect(offsets(read(r, consumer, topic, 0, 2, 2)), []int64{2, 3}, "after a seek back")
	_, err := consumer.ConsumePartition(topic, 0, 1000)
	Expect(errors.Is(err, sarama.ErrOffsetOutOfRange), true, "beyond the end")

	latest := Must(consumer.ConsumePartition(topic, 0, sarama.OffsetNewest))
	defer latest.Close()
	latest.Pause()
	Expect(latest.IsPaused(), true, "is paused")
	produce(topic, messages([]string{"news"}, 0))
	latest.Resume()
	Expect(values(receive(r, latest, 1)), []string{"news"}, "from the end")
	Expect(latest.HighWaterMarkOffset(), 11, "high watermark")
}

func offsetsByTime(r *Run) {
	topic := createTopic("time", 2)
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Millisecond)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	produce(topic, []*sarama.ProducerMessage{
		{Partition: 0, Timestamp: at(10), Value: sarama.StringEncoder("a")},
		{Partition: 0, Timestamp: at(30), Value: sarama.StringEncoder("b")},
		{Partition: 0, Timestamp: at(20), Value: sarama.StringEncoder("c")},
		{Partition: 1, Timestamp: at(25), Value: sarama.StringEncoder("d")},
	})
	admin := newAdmin()
	defer admin.Close()
	listed := func(asked int64) [2]int64 {
		found := Must(admin.ListOffsets(map[string]map[int32]int64{topic: {0: asked, 1: asked}}, nil))[topic]
		Check(noError(found[0].Err))
		Check(noError(found[1].Err))
		return [2]int64{found[0].Offset, found[1].Offset}
	}
	Expect(listed(at(5).UnixMilli()), [2]int64{0, 0}, "before all")
	Expect(listed(at(15).UnixMilli()), [2]int64{1, 0}, "between")
	Expect(listed(at(26).UnixMilli()), [2]int64{1, -1}, "after the only one of partition 1")
	Expect(listed(sarama.OffsetOldest), [2]int64{0, 0}, "oldest")
	Expect(listed(sarama.OffsetNewest), [2]int64{3, 1}, "newest")

	client := Must(sarama.NewClient([]string{Bootstrap}, newConfig()))
	consumer := Must(sarama.NewConsumerFromClient(client))
	defer client.Close()
	defer consumer.Close()
	found := read(r, consumer, topic, 0, Must(client.GetOffset(topic, 0, at(15).UnixMilli())), 2)
	Expect(values(found), []string{"b", "c"}, "from a timestamp")
	Expect(found[0].Timestamp.UnixMilli(), at(30).UnixMilli(), "timestamp")
}

func idempotence(r *Run) {
	topic := createTopic("idempotence", 1)
	config := newConfig()
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1
	producer := Must(sarama.NewSyncProducer([]string{Bootstrap}, config))
	defer producer.Close()
	var sent []string
	for range 5 {
		batch := numbered(10, 0)
		for _, message := range batch {
			message.Topic = topic
		}
		Check(producer.SendMessages(batch))
		sent = append(sent, Numbered(10)...)
	}
	consumer := newConsumer()
	defer consumer.Close()
	Expect(values(read(r, consumer, topic, 0, sarama.OffsetOldest, 50)), sent, "values")
	r.Stored(topic)
}
