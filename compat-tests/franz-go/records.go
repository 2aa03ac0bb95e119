package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func codec(name string) feature {
	codecs := map[string]kgo.CompressionCodec{
		"gzip":   kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(),
		"lz4":    kgo.Lz4Compression(),
		"zstd":   kgo.ZstdCompression(),
	}
	return func(r *run) {
		topic := createTopic(r, name, 1)
		var records []*kgo.Record
		for index := range 50 {
			records = append(records, &kgo.Record{Value: []byte(strings.Repeat(fmt.Sprint(index, " "), 200))})
		}
		produce(r, topic, records, kgo.ProducerBatchCompression(codecs[name]))
		consumer := readFrom(topic, fromStart(1))
		defer consumer.Close()
		expect(values(consumer.read(r, 50)), values(records), "values")
		r.told.Topic = topic
	}
}

func headers(r *run) {
	topic := createTopic(r, "headers", 1)
	sent := []kgo.RecordHeader{
		{Key: "plain", Value: []byte("text")},
		{Key: "empty", Value: []byte{}},
		{Key: "none", Value: nil},
		{Key: "binary", Value: []byte{0, 255, 128}},
		{Key: "plain", Value: []byte("again")},
	}
	produce(r, topic, []*kgo.Record{{Value: []byte("with"), Headers: sent}, {Value: []byte("without")}})
	consumer := readFrom(topic, fromStart(1))
	defer consumer.Close()
	read := consumer.read(r, 2)
	expect(read[0].Headers, sent, "headers")
	expect(len(read[1].Headers), 0, "no headers")
}

func keys(r *run) {
	topic := createTopic(r, "keys", 4)
	var records []*kgo.Record
	for turn := range 2 {
		for index := range 20 {
			key := fmt.Sprint("key ", index)
			records = append(records, &kgo.Record{Key: []byte(key), Value: fmt.Appendf(nil, "%s %d", key, turn)})
		}
	}
	records = append(records, &kgo.Record{Value: []byte("no key")}, &kgo.Record{Key: []byte{}, Value: []byte("empty key")})
	produce(r, topic, records)
	consumer := readFrom(topic, fromStart(4))
	defer consumer.Close()
	byKey, partitions := map[string][]string{}, map[int32]bool{}
	for _, record := range consumer.read(r, 42) {
		key := fmt.Sprintf("%#v", record.Key)
		byKey[key] = append(byKey[key], fmt.Sprint(record.Partition, ": ", string(record.Value)))
		partitions[record.Partition] = true
	}
	expect(slices.Sorted(maps.Keys(partitions)), upTo(4), "partitions used")
	for index := range 20 {
		key := fmt.Sprint("key ", index)
		found := byKey[fmt.Sprintf("%#v", []byte(key))]
		expect(len(found), 2, "records of a key")
		partition, first, _ := strings.Cut(found[0], ": ")
		expect(first, key+" 0", "first of a key")
		expect(found[1], partition+": "+key+" 1", "second of a key, in the same partition")
	}
	expect(len(byKey[fmt.Sprintf("%#v", []byte(nil))]), 1, "records without a key")
	expect(len(byKey[fmt.Sprintf("%#v", []byte{})]), 1, "records of an empty key")
}

func nullValues(r *run) {
	topic := createTopic(r, "nulls", 1)
	produce(r, topic, []*kgo.Record{{Key: []byte("a"), Value: nil}, {Key: []byte("a"), Value: []byte{}}})
	consumer := readFrom(topic, fromStart(1))
	defer consumer.Close()
	read := consumer.read(r, 2)
	expect(read[0].Value, nil, "null")
	expect(read[1].Value, []byte{}, "empty")
}

func acks(r *run) {
	topic := createTopic(r, "acks", 1)
	levels := []struct {
		name string
		acks kgo.Acks
	}{{"all", kgo.AllISRAcks()}, {"1", kgo.LeaderAck()}, {"0", kgo.NoAck()}}
	for _, level := range levels {
		record := &kgo.Record{Value: []byte(level.name)}
		produce(r, topic, []*kgo.Record{record}, kgo.RequiredAcks(level.acks), kgo.DisableIdempotentWrite())
	}
	consumer := readFrom(topic, fromStart(1))
	defer consumer.Close()
	expect(values(consumer.read(r, 3)), []string{"all", "1", "0"}, "values")
}

func seeks(r *run) {
	topic := createTopic(r, "seeks", 1)
	sent := numbered(10, 0)
	produce(r, topic, sent, byHand)
	consumer := readFrom(topic, map[int32]kgo.Offset{0: kgo.NewOffset().At(7)})
	defer consumer.Close()
	expect(offsets(consumer.read(r, 3)), []int64{7, 8, 9}, "from a given offset")

	seek := func(offset int64) {
		consumer.records = nil
		consumer.SetOffsets(map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: -1, Offset: offset}}})
	}
	seek(2)
	expect(offsets(consumer.read(r, 8)), []int64{2, 3, 4, 5, 6, 7, 8, 9}, "after a seek back")
	// Beyond the end the reset offset decides, which is the start.
	seek(1000)
	expect(offsets(consumer.read(r, 10))[:2], []int64{0, 1}, "after a seek beyond the end")

	consumer.PauseFetchPartitions(map[string][]int32{topic: {0}})
	seek(9)
	consumer.ResumeFetchPartitions(map[string][]int32{topic: {0}})
	expect(offsets(consumer.read(r, 1)), []int64{9}, "after a pause")

	relative := readFrom(topic, map[int32]kgo.Offset{0: kgo.NewOffset().AtEnd().Relative(-2)})
	defer relative.Close()
	expect(offsets(relative.read(r, 2)), []int64{8, 9}, "two before the end")
}

func offsetsByTime(r *run) {
	topic := createTopic(r, "time", 2)
	start := time.Now().Add(-10 * time.Minute).Truncate(time.Millisecond)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	produce(r, topic, []*kgo.Record{
		{Partition: 0, Timestamp: at(10), Value: []byte("a")},
		{Partition: 0, Timestamp: at(30), Value: []byte("b")},
		{Partition: 0, Timestamp: at(20), Value: []byte("c")},
		{Partition: 1, Timestamp: at(25), Value: []byte("d")},
	}, byHand)
	admin := newAdmin()
	defer admin.Close()
	after := func(seconds int) [2]int64 {
		listed, err := admin.ListOffsetsAfterMilli(r, at(seconds).UnixMilli(), topic)
		check(err)
		check(listed.Error())
		zero, _ := listed.Lookup(topic, 0)
		one, _ := listed.Lookup(topic, 1)
		return [2]int64{zero.Offset, one.Offset}
	}
	expect(after(5), [2]int64{0, 0}, "before all")
	expect(after(15), [2]int64{1, 0}, "between")
	expect(after(26), [2]int64{1, 1}, "after the only one of partition 1")
	expect(after(31), [2]int64{3, 1}, "after all")
	greatest, err := admin.ListMaxTimestampOffsets(r, topic)
	check(err)
	found, _ := greatest.Lookup(topic, 0)
	expect([2]int64{found.Offset, found.Timestamp}, [2]int64{1, at(30).UnixMilli()}, "the greatest timestamp")

	consumer := readFrom(topic, map[int32]kgo.Offset{0: kgo.NewOffset().AfterMilli(at(15).UnixMilli())})
	defer consumer.Close()
	read := consumer.read(r, 2)
	expect(values(read), []string{"b", "c"}, "from a timestamp")
	expect(read[0].Timestamp.UnixMilli(), at(30).UnixMilli(), "timestamp")
}

func idempotence(r *run) {
	topic := createTopic(r, "idempotence", 1)
	client := newClient(kgo.DefaultProduceTopic(topic), kgo.RequiredAcks(kgo.AllISRAcks()))
	defer client.Close()
	var sent []string
	for turn := range 5 {
		records := numbered(10, 0)
		for _, record := range records {
			record.Key = fmt.Appendf(nil, "turn %d", turn)
		}
		sent = append(sent, values(records)...)
		check(client.ProduceSync(r, records...).FirstErr())
	}
	producerID, epoch, err := client.ProducerID(r)
	check(err)
	expect(producerID >= 0 && epoch >= 0, true, "it has a producer id")
	consumer := readFrom(topic, fromStart(1))
	defer consumer.Close()
	expect(values(consumer.read(r, 50)), sent, "values")
	r.told.Topic = topic
}
