package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	. "ottla/compat-tests/go-harness"
)

// describe waits until the group is stable with that many members, and each of them holds a part of the topic.
func describe(r *Run, group string, members int) kafka.DescribeGroupsResponseGroup {
	client := newClient()
	var described kafka.DescribeGroupsResponseGroup
	Until(r, fmt.Sprintf("%s is stable with %d members", group, members), func() bool {
		described = Must(client.DescribeGroups(r, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})).Groups[0]
		Check(described.Error)
		return described.GroupState == "Stable" && len(described.Members) == members
	})
	return described
}

// assigned are the partitions of each member.
func assigned(group kafka.DescribeGroupsResponseGroup) [][]int {
	var held [][]int
	for _, member := range group.Members {
		var partitions []int
		for _, topic := range member.MemberAssignments.Topics {
			partitions = append(partitions, topic.Partitions...)
		}
		held = append(held, slices.Sorted(slices.Values(partitions)))
	}
	slices.SortFunc(held, slices.Compare)
	return held
}

func rebalances(r *Run) {
	shares := map[kafka.GroupBalancer][][]int{
		kafka.RangeGroupBalancer{}:      {{0, 1}, {2, 3}},
		kafka.RoundRobinGroupBalancer{}: {{0, 2}, {1, 3}},
	}
	for balancer, wanted := range shares {
		topic, group := createTopic(r, "rebalance", 4), Unique("rebalance")
		balanced := func(config *kafka.ReaderConfig) { config.GroupBalancers = []kafka.GroupBalancer{balancer} }
		one := join(topic, group, balanced)
		Expect(assigned(describe(r, group, 1)), [][]int{{0, 1, 2, 3}}, "one has all")
		two := join(topic, group, balanced)
		Expect(assigned(describe(r, group, 2)), wanted, "both share")
		for partition := range 4 {
			produce(r, topic, numbered(2, partition))
		}
		var read [][]int
		for _, reader := range []*kafka.Reader{one, two} {
			var partitions []int
			for _, message := range receive(r, reader, 4) {
				partitions = append(partitions, message.Partition)
			}
			slices.Sort(partitions)
			read = append(read, slices.Compact(partitions))
		}
		slices.SortFunc(read, slices.Compare)
		Expect(read, wanted, "each reads its share")
		Check(two.Close())
		Expect(assigned(describe(r, group, 1)), [][]int{{0, 1, 2, 3}}, "one has all again")
		Check(one.Close())
	}
}

func crashAndResume(r *Run) {
	topic, group := createTopic(r, "crash", 1), Unique("crash")
	produce(r, topic, numbered(20, 0))
	CrashedWorker(r, "worker", topic, group)
	successor := join(topic, group)
	defer successor.Close()
	Expect(offsets(receive(r, successor, 12)), []int64{8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, "what the successor reads")
}

// crashWorker commits after every fourth message, and holds the one at offset 10 until it is killed.
func crashWorker(topic, group string) {
	EndWithParent()
	reader, ctx := join(topic, group), context.Background()
	for {
		message := Must(reader.FetchMessage(ctx))
		if message.Offset == 10 {
			Hold()
		}
		if (message.Offset+1)%4 == 0 {
			Check(reader.CommitMessages(ctx, message))
		}
	}
}
