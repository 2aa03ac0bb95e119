// The load of the crash test: clients that never stop trying while their broker is killed under them, and that tell
// what they were promised.
//
// usage: crash BOOTSTRAP SEED PATIENCE
//
// PATIENCE is how many seconds are given to what is left to do once nobody is killed any more.
//
// Prints a JSON object per line, as history.ts describes them. When its standard input ends, producers end what they
// have begun, the others catch up, and what the broker holds is told: then the program ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	plainTopic = "plain"
	txnTopic   = "transactional"
	copyTopic  = "copied"
	partitions = 3
)

var (
	bootstrap string
	seed      uint64
	patience  time.Duration
	// Closed when no new work is to be begun.
	stopped = make(chan struct{})
)

// event is one line: what happened to a record, a transaction or an offset.
type event struct {
	At        string   `json:"at"`
	Who       string   `json:"who,omitempty"`
	Topic     string   `json:"topic,omitempty"`
	Partition *int32   `json:"partition,omitempty"`
	Offset    *int64   `json:"offset,omitempty"`
	Value     string   `json:"value,omitempty"`
	Values    []string `json:"values,omitempty"`
	Isolation string   `json:"isolation,omitempty"`
	Reason    string   `json:"reason,omitempty"`
}

var (
	telling sync.Mutex
	out     = bufio.NewWriter(os.Stdout)
)

func tell(e event) {
	telling.Lock()
	defer telling.Unlock()
	line, _ := json.Marshal(e)
	out.Write(append(line, '\n'))
	out.Flush()
}

func main() {
	bootstrap = os.Args[1]
	seed, _ = strconv.ParseUint(os.Args[2], 10, 64)
	seconds, _ := strconv.Atoi(os.Args[3])
	patience = time.Duration(seconds) * time.Second
	createTopics()
	tell(event{At: "ready"})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(stopped)
	}()
	var producers, readers sync.WaitGroup
	caughtUp := make(chan struct{})
	for at := range 2 {
		producers.Go(func() { idempotent(fmt.Sprintf("idempotent-%d", at)) })
		producers.Go(func() { transactional(fmt.Sprintf("transactional-%d", at)) })
	}
	producers.Go(committer)
	readers.Go(func() { copier(caughtUp) })
	readers.Go(func() { observer(txnTopic, caughtUp) })
	readers.Go(func() { observer(copyTopic, caughtUp) })
	producers.Wait()
	deadline, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	awaitCopies(deadline)
	close(caughtUp)
	readers.Wait()
	for _, topic := range []string{plainTopic, txnTopic, copyTopic} {
		dump(topic, "read_uncommitted")
		dump(topic, "read_committed")
	}
	tellOffsets()
	tell(event{At: "end"})
}

func options(more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.SeedBrokers(bootstrap),
		kgo.DialTimeout(time.Second),
		kgo.RequestRetries(1 << 20),
		kgo.RetryTimeout(time.Minute),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(time.Millisecond),
	}, more...)
}

func newClient(more ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(options(more...)...)
	if err != nil {
		panic(err)
	}
	return client
}

func createTopics() {
	admin := kadm.NewClient(newClient())
	defer admin.Close()
	for _, topic := range []string{plainTopic, txnTopic, copyTopic} {
		for {
			_, err := admin.CreateTopic(context.Background(), partitions, -1, nil, topic)
			if err == nil {
				break
			}
			if !isBrokerGone(err) {
				panic(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// isBrokerGone is whether the broker has not been reached: it may be starting.
func isBrokerGone(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) || errors.Is(err, io.EOF)
}

func isStopped() bool {
	select {
	case <-stopped:
		return true
	default:
		return false
	}
}

func randomOf(who string) *rand.Rand {
	mixed := seed
	for _, char := range who {
		mixed = mixed*31 + uint64(char)
	}
	return rand.New(rand.NewPCG(seed, mixed))
}

// idempotent writes numbered records, a few at a time, each to a partition by its number, and tells which the broker
// has acknowledged. It gives up on none.
func idempotent(who string) {
	random := randomOf(who)
	client := newClient(kgo.DefaultProduceTopic(plainTopic), kgo.RequiredAcks(kgo.AllISRAcks()))
	defer client.Close()
	var unanswered sync.WaitGroup
	for n := 0; !isStopped(); n++ {
		value := fmt.Sprintf("%s:%d", who, n)
		tell(event{At: "sent", Who: who, Topic: plainTopic, Value: value})
		record := &kgo.Record{Value: []byte(value), Partition: int32(n % partitions)}
		unanswered.Add(1)
		client.Produce(context.Background(), record, func(record *kgo.Record, err error) {
			defer unanswered.Done()
			if err != nil {
				tell(event{At: "refused", Who: who, Topic: plainTopic, Value: value, Reason: err.Error()})
				return
			}
			tell(event{At: "acked", Who: who, Topic: plainTopic, Value: value, Partition: &record.Partition, Offset: &record.Offset})
		})
		time.Sleep(time.Duration(random.IntN(8)) * time.Millisecond)
	}
	unanswered.Wait()
}

// transactional writes transactions of a few records and commits or aborts each. Where it is not told how one ended,
// it goes on with a new client of the same transactional id, which ends it.
func transactional(who string) {
	random := randomOf(who)
	var client *kgo.Client
	renew := func() {
		if client != nil {
			client.CloseAllowingRebalance()
		}
		client = newClient(kgo.DefaultProduceTopic(txnTopic), kgo.TransactionalID(who), kgo.TransactionTimeout(10*time.Second))
		// Ends what the client before has left open.
		limit, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		client.ProducerID(limit)
	}
	renew()
	defer func() { client.Close() }()
	for n := 0; !isStopped(); n++ {
		name := fmt.Sprintf("%s:%d", who, n)
		if err := client.BeginTransaction(); err != nil {
			renew()
			continue
		}
		values := make([]string, 1+random.IntN(6))
		records := make([]*kgo.Record, len(values))
		for at := range values {
			values[at] = fmt.Sprintf("%s:%d", name, at)
			records[at] = &kgo.Record{Value: []byte(values[at]), Partition: random.Int32N(partitions)}
		}
		tell(event{At: "began", Who: name, Topic: txnTopic, Values: values})
		err := client.ProduceSync(context.Background(), records...).FirstErr()
		commit := err == nil && random.IntN(3) > 0
		limit, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		if endErr := client.EndTransaction(limit, kgo.TransactionEndTry(commit)); endErr != nil {
			tell(event{At: "unknown", Who: name, Reason: endErr.Error()})
			renew()
		} else if commit {
			tell(event{At: "committed", Who: name})
		} else {
			tell(event{At: "aborted", Who: name})
		}
		cancel()
		time.Sleep(time.Duration(random.IntN(12)) * time.Millisecond)
	}
}

// committer commits ever higher offsets of a group without members, and tells which the broker has acknowledged.
func committer() {
	random := randomOf("committer")
	client := newClient()
	defer client.Close()
	admin := kadm.NewClient(client)
	for offset := int64(1); !isStopped(); offset++ {
		partition := random.Int32N(partitions)
		commit := kadm.Offsets{}
		commit.Add(kadm.Offset{Topic: plainTopic, Partition: partition, At: offset, LeaderEpoch: -1})
		answer, err := admin.CommitOffsets(context.Background(), "offsets", commit)
		if err == nil && answer.Error() == nil {
			tell(event{At: "offset", Who: "offsets", Topic: plainTopic, Partition: &partition, Offset: &offset})
		}
		fetched, err := admin.FetchOffsets(context.Background(), "offsets")
		if err == nil && fetched.Error() == nil {
			fetched.Each(func(o kadm.OffsetResponse) {
				tell(event{At: "fetched", Who: "offsets", Topic: plainTopic, Partition: &o.Partition, Offset: &o.At})
			})
		}
		time.Sleep(time.Duration(random.IntN(15)) * time.Millisecond)
	}
}

// copier copies the plain topic in transactions that carry the offsets of its group: consume, process, produce.
func copier(done <-chan struct{}) {
	var session *kgo.GroupTransactSession
	renew := func() {
		if session != nil {
			session.Close()
		}
		var err error
		session, err = kgo.NewGroupTransactSession(options(
			kgo.TransactionalID("copier"), kgo.ConsumerGroup("copier"), kgo.InstanceID("copier"), kgo.ConsumeTopics(plainTopic),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.RequireStableFetchOffsets(), kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
			kgo.TransactionTimeout(10*time.Second), kgo.DefaultProduceTopic(copyTopic), kgo.DisableFetchSessions(),
		)...)
		if err != nil {
			panic(err)
		}
	}
	renew()
	defer func() { session.Close() }()
	for {
		select {
		case <-done:
			return
		default:
		}
		limit, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		fetches := session.PollRecords(limit, 50)
		cancel()
		if fetches.NumRecords() == 0 {
			continue
		}
		if err := session.Begin(); err != nil {
			renew()
			continue
		}
		fetches.EachRecord(func(record *kgo.Record) {
			session.Produce(context.Background(), &kgo.Record{Value: record.Value, Partition: record.Partition}, nil)
		})
		limit, cancel = context.WithTimeout(context.Background(), 15*time.Second)
		if _, err := session.End(limit, kgo.TryCommit); err != nil {
			tell(event{At: "restarted", Who: "copier", Reason: err.Error()})
			renew()
		}
		cancel()
	}
}

// observer reads committed records all the time, from wherever it is: each is told.
func observer(topic string, done <-chan struct{}) {
	client := newClient(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	for {
		select {
		case <-done:
			return
		default:
		}
		limit, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		client.PollFetches(limit).EachRecord(func(record *kgo.Record) { tellRecord("observed", "", record) })
		cancel()
	}
}

func tellRecord(at string, isolation string, record *kgo.Record) {
	tell(event{At: at, Isolation: isolation, Topic: record.Topic, Partition: &record.Partition, Offset: &record.Offset, Value: string(record.Value)})
}

// awaitCopies waits until the copier has committed the ends of the topic that it reads.
func awaitCopies(limit context.Context) {
	admin := kadm.NewClient(newClient())
	defer admin.Close()
	for limit.Err() == nil {
		ends, err := admin.ListEndOffsets(limit, plainTopic)
		if err != nil {
			continue
		}
		commits, err := admin.FetchOffsets(limit, "copier")
		if err != nil {
			continue
		}
		behind := false
		ends.Each(func(end kadm.ListedOffset) {
			commit, ok := commits.Lookup(plainTopic, end.Partition)
			if end.Offset > 0 && (!ok || commit.At < end.Offset) {
				behind = true
			}
		})
		if !behind {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	tell(event{At: "stuck", Who: "copier", Reason: "it has not caught up"})
}

// dump tells what the topic holds for readers of an isolation level, and how far they can read.
func dump(topic string, isolation string) {
	level := kgo.ReadUncommitted()
	if isolation == "read_committed" {
		level = kgo.ReadCommitted()
	}
	client := newClient(kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(level),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	defer client.Close()
	limit, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(limit, topic)
	if err != nil {
		tell(event{At: "stuck", Who: "dump", Topic: topic, Reason: err.Error()})
		return
	}
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	for len(left) > 0 && limit.Err() == nil {
		slice, stop := context.WithTimeout(limit, 10*time.Second)
		fetches := client.PollFetches(slice)
		stop()
		if slice.Err() != nil && fetches.NumRecords() == 0 {
			break
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if !record.Attrs.IsControl() {
				tellRecord("held", isolation, record)
			}
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		})
	}
	for partition, end := range left {
		tell(event{At: "unread", Isolation: isolation, Topic: topic, Partition: &partition, Offset: &end})
	}
}

// tellOffsets tells what the groups have committed in the end.
func tellOffsets() {
	admin := kadm.NewClient(newClient())
	defer admin.Close()
	for _, group := range []string{"offsets", "copier"} {
		fetched, err := admin.FetchOffsets(context.Background(), group)
		if err != nil {
			tell(event{At: "stuck", Who: group, Reason: err.Error()})
			continue
		}
		fetched.Each(func(o kadm.OffsetResponse) {
			tell(event{At: "final", Who: group, Topic: plainTopic, Partition: &o.Partition, Offset: &o.At})
		})
	}
}
