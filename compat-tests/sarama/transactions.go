package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

// transactional is a producer that has the id for itself: what another left open is aborted.
func transactional(id string) sarama.SyncProducer {
	config := newConfig()
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Transaction.ID = id
	config.Producer.Transaction.Retry.Backoff = 20 * time.Millisecond
	config.Net.MaxOpenRequests = 1
	return Must(sarama.NewSyncProducer([]string{Bootstrap}, config))
}

func send(producer sarama.SyncProducer, topic string, partition int32, values ...string) error {
	all := messages(values, partition)
	for _, message := range all {
		message.Topic = topic
	}
	return producer.SendMessages(all)
}

func newReader(level sarama.IsolationLevel) sarama.Consumer {
	config := newConfig()
	config.Consumer.IsolationLevel = level
	return Must(sarama.NewConsumer([]string{Bootstrap}, config))
}

// places are offsets and values.
func places(read []*sarama.ConsumerMessage) []string {
	found := make([]string, len(read))
	for index, message := range read {
		found[index] = fmt.Sprint(message.Offset, " ", string(message.Value))
	}
	return found
}

func transactions(r *Run) {
	topic, id := createTopic("transactions", 2), Unique("transactions")
	zombie := transactional(id)
	Check(zombie.BeginTxn())
	Check(send(zombie, topic, 0, "a", "b", "c"))
	Check(send(zombie, topic, 1, "d", "e"))
	Check(zombie.CommitTxn())
	Check(zombie.BeginTxn())
	Check(send(zombie, topic, 0, "aborted"))
	Check(zombie.AbortTxn())
	Check(zombie.BeginTxn())
	Check(send(zombie, topic, 0, "open"))

	all := newReader(sarama.ReadUncommitted)
	defer all.Close()
	// Each transaction's end has taken an offset of its own.
	expected := []string{"0 a", "1 b", "2 c", "4 aborted", "6 open"}
	Expect(places(read(r, all, topic, 0, sarama.OffsetOldest, 5)), expected, "all that is there")

	successor := transactional(id)
	defer successor.Close()
	var refused sarama.ProducerErrors
	Expect(errors.As(send(zombie, topic, 0, "zombie"), &refused), true, "a zombie is refused")
	Expect(refused[0].Err, error(sarama.ErrInvalidProducerEpoch), "the zombie's error")
	Check(successor.BeginTxn())
	Check(send(successor, topic, 0, "last"))
	Check(successor.CommitTxn())

	committed := newReader(sarama.ReadCommitted)
	defer committed.Close()
	expected = []string{"0 a", "1 b", "2 c", "8 last"}
	Expect(places(read(r, committed, topic, 0, sarama.OffsetOldest, 4)), expected, "what was committed")
	Expect(places(read(r, committed, topic, 1, sarama.OffsetOldest, 2)), []string{"0 d", "1 e"}, "what was committed")
}

// offsetsInTransactions reads, processes and writes in transactions, every third of which is aborted.
func offsetsInTransactions(r *Run) {
	const inEach, atOnce = 12, 4
	source, target, group := createTopic("source", 1), createTopic("target", 1), Unique("processor")
	produce(source, numbered(inEach, 0))
	admin := newAdmin()
	defer admin.Close()
	committed := func() int64 {
		told := Must(admin.ListConsumerGroupOffsets(group, map[string][]int32{source: {0}}))
		return told.GetBlock(source, 0).Offset
	}
	reader := newReader(sarama.ReadCommitted)
	defer reader.Close()
	producer := transactional(Unique("processor"))
	defer producer.Close()
	turn := 0
	for from := max(committed(), 0); from < inEach; from = max(committed(), 0) {
		turn++
		before := committed()
		Check(producer.BeginTxn())
		for _, message := range read(r, reader, source, 0, from, atOnce) {
			Check(send(producer, target, 0, string(message.Value)+" processed"))
			Check(producer.AddMessageToTxn(message, group, nil))
		}
		if turn%3 > 0 {
			Check(producer.CommitTxn())
			// Kafka answers before the group's coordinator has heard of it.
			Until(r, "the offset is committed", func() bool { return committed() == from+atOnce })
		} else {
			Check(producer.AbortTxn())
			Expect(committed(), before, "what stays committed when a transaction is aborted")
		}
	}
	Expect(turn, 4, "transactions")

	var processed []string
	for _, value := range Numbered(inEach) {
		processed = append(processed, value+" processed")
	}
	Expect(values(read(r, reader, target, 0, sarama.OffsetOldest, inEach)), processed, "what was processed")
}
