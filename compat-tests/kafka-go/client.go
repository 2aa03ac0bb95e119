package main

import (
	"time"

	"github.com/segmentio/kafka-go"
	. "ottla/compat-tests/go-harness"
)

// transport is one for all. The time to live is also how long it waits for metadata.
var transport = &kafka.Transport{MetadataTTL: time.Second, ClientID: "kafka-go-test"}

func newClient() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(Bootstrap), Transport: transport}
}

func createTopic(r *Run, name string, partitions int) string {
	topic := Unique(name)
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1}
	answer := Must(newClient().CreateTopics(r, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}}))
	Check(answer.Errors[topic])
	return topic
}

// produce sends messages in order and waits for all answers. They go to the partitions that they name.
func produce(r *Run, topic string, messages []kafka.Message, change ...func(*kafka.Writer)) {
	writer := &kafka.Writer{
		Addr: kafka.TCP(Bootstrap), Topic: topic,
		BatchTimeout: 5 * time.Millisecond, BatchSize: len(messages), WriteBackoffMin: 50 * time.Millisecond,
		Balancer:     kafka.BalancerFunc(func(message kafka.Message, _ ...int) int { return message.WriterData.(int) }),
		RequiredAcks: kafka.RequireAll,
		Transport:    transport,
	}
	for _, each := range change {
		each(writer)
	}
	defer writer.Close()
	Check(writer.WriteMessages(r, messages...))
}

func messages(values []string, partition int) []kafka.Message {
	all := make([]kafka.Message, len(values))
	for index, value := range values {
		all[index] = kafka.Message{Value: []byte(value), WriterData: partition}
	}
	return all
}

func numbered(count int, partition int) []kafka.Message {
	return messages(Numbered(count), partition)
}

// readFrom is a reader of one partition, without a group.
func readFrom(topic string, partition int, change ...func(*kafka.ReaderConfig)) *kafka.Reader {
	config := kafka.ReaderConfig{
		Brokers: []string{Bootstrap}, Topic: topic, Partition: partition,
		MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 50 * time.Millisecond, ReadBackoffMin: 10 * time.Millisecond,
	}
	for _, each := range change {
		each(&config)
	}
	return kafka.NewReader(config)
}

// join is a reader in a group.
func join(topic, group string, change ...func(*kafka.ReaderConfig)) *kafka.Reader {
	grouped := func(config *kafka.ReaderConfig) {
		config.Partition = 0
		config.GroupID = group
		config.StartOffset = kafka.FirstOffset
		config.SessionTimeout = SessionTimeout
		config.RebalanceTimeout = 10 * time.Second
		config.HeartbeatInterval = 100 * time.Millisecond
		config.JoinGroupBackoff = 100 * time.Millisecond
	}
	return readFrom(topic, 0, append([]func(*kafka.ReaderConfig){grouped}, change...)...)
}

// receive waits for count messages.
func receive(r *Run, reader *kafka.Reader, count int) []kafka.Message {
	var found []kafka.Message
	for len(found) < count {
		found = append(found, Must(reader.FetchMessage(r)))
	}
	return found
}

func values(read []kafka.Message) []string {
	texts := make([]string, len(read))
	for index, message := range read {
		texts[index] = string(message.Value)
	}
	return texts
}

func offsets(read []kafka.Message) []int64 {
	numbers := make([]int64, len(read))
	for index, message := range read {
		numbers[index] = message.Offset
	}
	return numbers
}
