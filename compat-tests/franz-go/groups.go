package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// describe waits until the group is stable with that many members.
func describe(r *run, group string, members int) kadm.DescribedGroup {
	admin := newAdmin()
	defer admin.Close()
	var described kadm.DescribedGroup
	until(r, fmt.Sprintf("%s is stable with %d members", group, members), func() bool {
		groups, err := admin.DescribeGroups(r, group)
		check(err)
		described = groups[group]
		return described.State == "Stable" && len(described.Members) == members
	})
	return described
}

func rebalances(r *run) {
	balancers := map[string]kgo.GroupBalancer{
		"range":      kgo.RangeBalancer(),
		"roundrobin": kgo.RoundRobinBalancer(),
		"sticky":     kgo.StickyBalancer(),
	}
	for name, balancer := range balancers {
		topic, group := createTopic(r, "rebalance", 4), unique("rebalance")
		one := join(topic, group, kgo.Balancers(balancer))
		until(r, "one has all", func() bool { return shared(4, one) })
		two := join(topic, group, kgo.Balancers(balancer))
		until(r, "both share", func() bool { return shared(4, one, two) })
		expect(len(one.partitions()), 2, "a fair share")
		expect(one.rebalances()[:2], []string{"assigned [0 1 2 3]", "revoked [0 1 2 3]"}, "eager: all is given up")
		expect(describe(r, group, 2).Protocol, name, "protocol")
		produce(r, topic, numbered(8, 0), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
		for _, member := range []*reader{one, two} {
			for _, record := range member.read(r, 4) {
				expect(slices.Contains(member.partitions(), record.Partition), true, "it reads what it holds")
			}
		}
		two.Close()
		until(r, "one has all again", func() bool { return shared(4, one) })
		one.Close()
	}
}

func cooperative(r *run) {
	topic, group := createTopic(r, "cooperative", 4), unique("cooperative")
	sticky := kgo.Balancers(kgo.CooperativeStickyBalancer())
	one := join(topic, group, sticky)
	defer one.Close()
	until(r, "one has all", func() bool { return shared(4, one) })
	two := join(topic, group, sticky)
	until(r, "both share", func() bool { return shared(4, one, two) })
	expect(one.rebalances(), []string{"assigned [0 1 2 3]", fmt.Sprint("revoked ", two.partitions())}, "only what moves is given up")
	expect(describe(r, group, 2).Protocol, "cooperative-sticky", "protocol")
	two.Close()
	until(r, "one has all again", func() bool { return shared(4, one) })
}

func staticMembers(r *run) {
	topic, group := createTopic(r, "static", 4), unique("static")
	member := func(name string) *reader { return join(topic, group, kgo.InstanceID(name)) }
	one, two := member("one"), member("two")
	until(r, "both share", func() bool { return shared(4, one, two) })
	described := describe(r, group, 2)
	held, events, ids := one.partitions(), two.rebalances(), memberIDs(described)

	// A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
	one.Close()
	again := member("one")
	until(r, "it has its partitions again", func() bool { return slices.Equal(again.partitions(), held) })
	now := memberIDs(describe(r, group, 2))
	expect(now["two"], ids["two"], "member id of the other")
	expect(now["one"] != ids["one"], true, "a new member id for the one that returned")
	expect(two.rebalances(), events, "rebalances of the other")

	// A second one of the same name fences the first.
	usurper := member("one")
	defer usurper.Close()
	var fenced error
	until(r, "the first is fenced", func() bool {
		ctx, cancel := context.WithTimeout(r, 50*time.Millisecond)
		defer cancel()
		for _, failed := range again.PollFetches(ctx).Errors() {
			if errors.Is(failed.Err, kerr.FencedInstanceID) {
				fenced = failed.Err
			}
		}
		return fenced != nil
	})
	again.Close()

	// A member that is gone for good is taken out by its instance id.
	two.Close()
	admin := newAdmin()
	defer admin.Close()
	left, err := admin.LeaveGroup(r, kadm.LeaveGroup(group).InstanceIDs("two").Reason("a test"))
	check(err)
	check(left["two"].Err)
	until(r, "the other has all", func() bool { return shared(4, usurper) })
}

func memberIDs(group kadm.DescribedGroup) map[string]string {
	ids := map[string]string{}
	for _, member := range group.Members {
		if member.InstanceID != nil {
			ids[*member.InstanceID] = member.MemberID
		}
	}
	return ids
}

func crashAndResume(r *run) {
	topic, group := createTopic(r, "crash", 1), unique("crash")
	produce(r, topic, numbered(20, 0), byHand)
	worker := exec.CommandContext(r, os.Args[0], bootstrap, "worker", topic, group)
	_, err := worker.StdinPipe()
	check(err)
	output, err := worker.StdoutPipe()
	check(err)
	check(worker.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	check(err)
	expect(line, "holding 10\n", "the worker")
	check(worker.Process.Kill())
	expect(fmt.Sprint(worker.Wait()), "signal: killed", "the worker's end")

	successor := join(topic, group)
	defer successor.Close()
	expect(offsets(successor.read(r, 12)), []int64{8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, "what the successor reads")
}

// crashWorker commits after every fourth message, and holds the one at offset 10 until it is killed, or until nobody
// holds the other end of its stdin.
func crashWorker(topic, group string) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	ctx := context.Background()
	member := join(topic, group)
	for {
		fetches := member.PollFetches(ctx)
		check(fetches.Err())
		for _, record := range fetches.Records() {
			if record.Offset == 10 {
				fmt.Println("holding 10")
				select {}
			}
			if (record.Offset+1)%4 == 0 {
				check(member.CommitRecords(ctx, record))
			}
		}
	}
}
