package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

func balancedBy(strategy sarama.BalanceStrategy) func(*sarama.Config) {
	return func(config *sarama.Config) {
		config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	}
}

// describe waits until the group is stable with that many members.
func describe(r *Run, group string, members int) *sarama.GroupDescription {
	admin := newAdmin()
	defer admin.Close()
	var described *sarama.GroupDescription
	Until(r, fmt.Sprintf("%s is stable with %d members", group, members), func() bool {
		described = Must(admin.DescribeConsumerGroups([]string{group}))[0]
		return described.State == "Stable" && len(described.Members) == members
	})
	return described
}

func rebalances(r *Run) {
	strategies := []func() sarama.BalanceStrategy{
		sarama.NewBalanceStrategyRange, sarama.NewBalanceStrategyRoundRobin, sarama.NewBalanceStrategySticky,
	}
	for _, strategy := range strategies {
		topic, group := createTopic("rebalance", 4), Unique("rebalance")
		one := join(topic, group, balancedBy(strategy()))
		Until(r, "one has all", func() bool { return Shared(4, one.partitions()) })
		two := join(topic, group, balancedBy(strategy()))
		Until(r, "both share", func() bool { return Shared(4, one.partitions(), two.partitions()) })
		Expect(len(one.partitions()), 2, "a fair share")
		events := one.rebalances()
		Expect(events[0], "setup [0 1 2 3]", "at first")
		Expect(len(slices.DeleteFunc(events, func(event string) bool { return event[0] == 's' })), 4, "eager: all is given up")
		Expect(describe(r, group, 2).Protocol, strategy().Name(), "protocol")
		for partition := range int32(4) {
			produce(topic, numbered(2, partition))
		}
		for _, each := range []*member{one, two} {
			for _, message := range each.read(r, 4) {
				Expect(slices.Contains(each.partitions(), message.Partition), true, "it reads what it holds")
			}
		}
		two.close()
		Until(r, "one has all again", func() bool { return Shared(4, one.partitions()) })
		one.close()
	}
}

func cooperative(r *Run) {
	topic, group := createTopic("cooperative", 4), Unique("cooperative")
	one := join(topic, group, balancedBy(sarama.NewBalanceStrategyCooperativeSticky()))
	defer one.close()
	Until(r, "one has all", func() bool { return Shared(4, one.partitions()) })
	two := join(topic, group, balancedBy(sarama.NewBalanceStrategyCooperativeSticky()))
	Until(r, "both share", func() bool { return Shared(4, one.partitions(), two.partitions()) })
	events := []string{"setup [0 1 2 3]"}
	for _, partition := range two.partitions() {
		events = append(events, fmt.Sprint("ended ", partition))
	}
	happened := one.rebalances()
	slices.Sort(happened[1:])
	Expect(happened, events, "only what moves is given up")
	Expect(describe(r, group, 2).Protocol, sarama.CooperativeStickyBalanceStrategyName, "protocol")
	two.close()
	Until(r, "one has all again", func() bool { return Shared(4, one.partitions()) })
}

func staticMembers(r *Run) {
	topic, group := createTopic("static", 4), Unique("static")
	named := func(name string) *member {
		return join(topic, group, func(config *sarama.Config) { config.Consumer.Group.InstanceId = name })
	}
	one, two := named("one"), named("two")
	Until(r, "both share", func() bool { return Shared(4, one.partitions(), two.partitions()) })
	held, events, ids := one.partitions(), two.rebalances(), memberIDs(describe(r, group, 2))

	// A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
	one.close()
	again := named("one")
	Until(r, "it has its partitions again", func() bool { return slices.Equal(again.partitions(), held) })
	now := memberIDs(describe(r, group, 2))
	Expect(now["two"], ids["two"], "member id of the other")
	Expect(now["one"] != ids["one"], true, "a new member id for the one that returned")
	Expect(two.rebalances(), events, "rebalances of the other")

	// A second one of the same name fences the first.
	usurper := named("one")
	defer usurper.close()
	Until(r, "the first is fenced", func() bool { return errors.Is(again.failed(), sarama.ErrFencedInstancedId) })
	again.close()

	// A member that is gone for good is taken out by its instance id.
	two.close()
	admin := newAdmin()
	defer admin.Close()
	left := Must(admin.RemoveMemberFromConsumerGroup(group, []string{"two"}))
	Expect([]sarama.KError{left.Err, left.Members[0].Err}, []sarama.KError{0, 0}, "removal")
	Until(r, "the other has all", func() bool { return Shared(4, usurper.partitions()) })
}

func memberIDs(group *sarama.GroupDescription) map[string]string {
	ids := map[string]string{}
	for _, each := range group.Members {
		if each.GroupInstanceId != nil {
			ids[*each.GroupInstanceId] = each.MemberId
		}
	}
	return ids
}

func crashAndResume(r *Run) {
	topic, group := createTopic("crash", 1), Unique("crash")
	produce(topic, numbered(20, 0))
	CrashedWorker(r, brokerVersion.String(), "worker", topic, group)
	successor := join(topic, group)
	defer successor.close()
	Expect(offsets(successor.read(r, 12)), []int64{8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, "what the successor reads")
}

// crashWorker commits after every fourth message, and holds the one at offset 10 until it is killed.
func crashWorker(topic, group string) {
	EndWithParent()
	joinWith(topic, group, func(session sarama.ConsumerGroupSession, message *sarama.ConsumerMessage) {
		if message.Offset == 10 {
			Hold()
		}
		session.MarkMessage(message, "")
		if (message.Offset+1)%4 == 0 {
			session.Commit()
		}
	})
	select {}
}
