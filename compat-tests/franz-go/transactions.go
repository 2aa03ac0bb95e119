package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transactional is a producer that has the id for itself: what another left open is aborted.
func transactional(topic, id string) *kgo.Client {
	return newClient(kgo.TransactionalID(id), kgo.DefaultProduceTopic(topic), byHand)
}

func texts(partition int32, values ...string) []*kgo.Record {
	records := make([]*kgo.Record, len(values))
	for index, value := range values {
		records[index] = &kgo.Record{Value: []byte(value), Partition: partition}
	}
	return records
}

// places are offsets and values of one partition.
func places(records []*kgo.Record, partition int32) []string {
	var found []string
	for _, record := range records {
		if record.Partition == partition {
			found = append(found, fmt.Sprint(record.Offset, " ", string(record.Value)))
		}
	}
	return found
}

func transactions(r *run) {
	topic, id := createTopic(r, "transactions", 2), unique("transactions")
	zombie := transactional(topic, id)
	defer zombie.Close()
	transaction := func(client *kgo.Client, end kgo.TransactionEndTry, records ...*kgo.Record) {
		check(client.BeginTransaction())
		check(client.ProduceSync(r, records...).FirstErr())
		check(client.EndTransaction(r, end))
	}
	transaction(zombie, kgo.TryCommit, append(texts(0, "a", "b", "c"), texts(1, "d", "e")...)...)
	transaction(zombie, kgo.TryAbort, texts(0, "aborted")...)
	check(zombie.BeginTransaction())
	check(zombie.ProduceSync(r, texts(0, "open")...).FirstErr())

	all := readFrom(topic, fromStart(2))
	defer all.Close()
	// Each transaction's end has taken an offset of its own.
	expect(places(all.read(r, 7), 0)[3:], []string{"4 aborted", "6 open"}, "all that is there")

	// A producer of this client asks for its id when it first needs one.
	successor := transactional(topic, id)
	defer successor.Close()
	transaction(successor, kgo.TryCommit, texts(0, "last")...)
	err := zombie.EndTransaction(r, kgo.TryCommit)
	expect(errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch), true, fmt.Sprint("a fenced zombie: ", err))

	committed := readFrom(topic, fromStart(2), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer committed.Close()
	read := committed.read(r, 6)
	expect(places(read, 0), []string{"0 a", "1 b", "2 c", "8 last"}, "what was committed")
	expect(places(read, 1), []string{"0 d", "1 e"}, "what was committed")
}

// offsetsInTransactions reads, processes and writes in transactions, every third of which is aborted.
func offsetsInTransactions(r *run) {
	const inEach, atOnce = 12, 5
	source, target, group := createTopic(r, "source", 2), createTopic(r, "target", 2), unique("processor")
	for partition := range int32(2) {
		produce(r, source, numbered(inEach, partition), byHand)
	}
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(bootstrap),
		kgo.FetchMaxWait(50*time.Millisecond),
		kgo.TransactionalID(unique("processor")),
		kgo.DefaultProduceTopic(target),
		byHand,
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(source),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.SessionTimeout(sessionTimeout),
	)
	check(err)
	defer session.Close()
	admin := newAdmin()
	defer admin.Close()
	offsetsOf := func() []int64 {
		told, err := admin.FetchOffsets(r, group)
		check(err)
		found := []int64{-1, -1}
		for partition := range found {
			if offset, known := told.Lookup(source, int32(partition)); known {
				found[partition] = offset.At
			}
		}
		return found
	}

	aborted, done := 0, []int64{-1, -1}
	for turn := 1; !slices.Equal(done, []int64{inEach, inEach}); turn++ {
		ctx, cancel := context.WithTimeout(r, time.Second)
		fetches := session.PollRecords(ctx, atOnce)
		cancel()
		check(r.Err())
		check(session.Begin())
		ends := slices.Clone(done)
		written := kgo.AbortingFirstErrPromise(session.Client())
		for _, record := range fetches.Records() {
			session.Produce(r, texts(record.Partition, string(record.Value)+" processed")[0], written.Promise())
			ends[record.Partition] = record.Offset + 1
		}
		check(written.Err())
		end := kgo.TransactionEndTry(turn%3 > 0)
		committed, err := session.End(r, end)
		check(err)
		expect(committed, bool(end), "the end of the transaction")
		if committed {
			done = ends
			// Kafka answers before the group's coordinator has heard of it.
			until(r, "the offsets are committed", func() bool { return slices.Equal(offsetsOf(), done) })
		} else {
			aborted++
			expect(offsetsOf(), done, "what stays committed when a transaction is aborted")
		}
	}
	expect(aborted > 0, true, "a transaction was aborted")

	reader := readFrom(target, fromStart(2), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	defer reader.Close()
	var processed []string
	for _, record := range numbered(inEach, 0) {
		processed = append(processed, string(record.Value)+" processed")
	}
	read := reader.read(r, 2*inEach)
	for partition := range int32(2) {
		own := slices.DeleteFunc(slices.Clone(read), func(record *kgo.Record) bool { return record.Partition != partition })
		expect(values(own), processed, "what was processed")
	}
}
