package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

var brokerVersion sarama.KafkaVersion

func newConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = brokerVersion
	config.ClientID = "sarama-test"
	config.Metadata.Retry.Backoff = 50 * time.Millisecond
	config.Metadata.Retry.Max = 20
	config.Producer.Return.Successes = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	config.Producer.Retry.Backoff = 50 * time.Millisecond
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Consumer.MaxWaitTime = 50 * time.Millisecond
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Group.Session.Timeout = SessionTimeout
	config.Consumer.Group.Heartbeat.Interval = 100 * time.Millisecond
	config.Consumer.Group.Rebalance.Timeout = 10 * time.Second
	config.Consumer.Group.Rebalance.Retry.Backoff = 50 * time.Millisecond
	config.Consumer.Group.Rebalance.Retry.Max = 50
	return config
}

func newAdmin() sarama.ClusterAdmin {
	return Must(sarama.NewClusterAdmin([]string{Bootstrap}, newConfig()))
}

func createTopic(name string, partitions int32) string {
	admin := newAdmin()
	defer admin.Close()
	topic := Unique(name)
	Check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false))
	return topic
}

// produce sends messages in order and waits for all answers.
func produce(topic string, messages []*sarama.ProducerMessage, change ...func(*sarama.Config)) {
	config := newConfig()
	for _, each := range change {
		each(config)
	}
	producer := Must(sarama.NewSyncProducer([]string{Bootstrap}, config))
	defer producer.Close()
	for _, message := range messages {
		message.Topic = topic
	}
	Check(producer.SendMessages(messages))
}

func messages(values []string, partition int32) []*sarama.ProducerMessage {
	all := make([]*sarama.ProducerMessage, len(values))
	for index, value := range values {
		all[index] = &sarama.ProducerMessage{Value: sarama.StringEncoder(value), Partition: partition}
	}
	return all
}

func numbered(count int, partition int32) []*sarama.ProducerMessage {
	return messages(Numbered(count), partition)
}

// newConsumer is one that reads partitions by hand, without a group.
func newConsumer() sarama.Consumer {
	return Must(sarama.NewConsumer([]string{Bootstrap}, newConfig()))
}

// read waits for count messages of a partition, beginning at offset.
func read(r *Run, consumer sarama.Consumer, topic string, partition int32, offset int64, count int) []*sarama.ConsumerMessage {
	reading := Must(consumer.ConsumePartition(topic, partition, offset))
	defer reading.Close()
	return receive(r, reading, count)
}

func receive(r *Run, reading sarama.PartitionConsumer, count int) []*sarama.ConsumerMessage {
	var found []*sarama.ConsumerMessage
	for len(found) < count {
		select {
		case message := <-reading.Messages():
			found = append(found, message)
		case err := <-reading.Errors():
			Check(err)
		case <-r.Done():
			panic(fmt.Sprintf("%d of %d messages came in", len(found), count))
		}
	}
	return found
}

// member is a consumer in a group that remembers what it was given and how it was assigned.
type member struct {
	group  sarama.ConsumerGroup
	topic  string
	cancel context.CancelFunc
	ended  sync.WaitGroup
	// onMessage is called for each message, if there is one.
	onMessage func(sarama.ConsumerGroupSession, *sarama.ConsumerMessage)

	lock    sync.Mutex
	session sarama.ConsumerGroupSession
	held    []int32
	events  []string
	seen    []*sarama.ConsumerMessage
	errors  []error
}

func join(topic, group string, change ...func(*sarama.Config)) *member {
	return joinWith(topic, group, nil, change...)
}

func joinWith(
	topic, group string,
	onMessage func(sarama.ConsumerGroupSession, *sarama.ConsumerMessage),
	change ...func(*sarama.Config),
) *member {
	config := newConfig()
	for _, each := range change {
		each(config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	joined := &member{
		group: Must(sarama.NewConsumerGroup([]string{Bootstrap}, group, config)),
		topic: topic, cancel: cancel, onMessage: onMessage,
	}
	joined.ended.Go(func() {
		for ctx.Err() == nil {
			if err := joined.group.Consume(ctx, []string{topic}, joined); err != nil {
				joined.note(err)
				return
			}
		}
	})
	go func() {
		for err := range joined.group.Errors() {
			joined.note(err)
		}
	}()
	return joined
}

func (m *member) note(err error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.errors = append(m.errors, err)
}

func (m *member) close() {
	m.cancel()
	m.ended.Wait()
	Check(m.group.Close())
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.session = session
	m.events = append(m.events, fmt.Sprint("setup ", slices.Sorted(slices.Values(session.Claims()[m.topic]))))
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	m.hold(claim.Partition(), true)
	defer m.hold(claim.Partition(), false)
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			if m.onMessage != nil {
				m.onMessage(session, message)
			}
			m.lock.Lock()
			m.seen = append(m.seen, message)
			m.lock.Unlock()
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) hold(partition int32, held bool) {
	m.lock.Lock()
	defer m.lock.Unlock()
	if held {
		m.held = append(m.held, partition)
		slices.Sort(m.held)
	} else {
		m.held = slices.DeleteFunc(m.held, func(each int32) bool { return each == partition })
		m.events = append(m.events, fmt.Sprint("ended ", partition))
	}
}

func (m *member) partitions() []int32 {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Clone(m.held)
}

func (m *member) rebalances() []string {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Clone(m.events)
}

// failed is the first error that the member met, or nil.
func (m *member) failed() error {
	m.lock.Lock()
	defer m.lock.Unlock()
	if len(m.errors) == 0 {
		return nil
	}
	return m.errors[0]
}

// read waits until count messages have come in all.
func (m *member) read(r *Run, count int) []*sarama.ConsumerMessage {
	var seen []*sarama.ConsumerMessage
	Until(r, fmt.Sprint(count, " messages"), func() bool {
		Check(m.failed())
		m.lock.Lock()
		defer m.lock.Unlock()
		seen = slices.Clone(m.seen)
		return len(seen) >= count
	})
	return seen
}

func values(read []*sarama.ConsumerMessage) []string {
	texts := make([]string, len(read))
	for index, message := range read {
		texts[index] = string(message.Value)
	}
	return texts
}

func offsets(read []*sarama.ConsumerMessage) []int64 {
	numbers := make([]int64, len(read))
	for index, message := range read {
		numbers[index] = message.Offset
	}
	return numbers
}
