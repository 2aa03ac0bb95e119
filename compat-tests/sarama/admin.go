package main

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

func adminTopics(r *Run) {
	admin := newAdmin()
	defer admin.Close()
	topic, retention := Unique("admin"), "123456"
	detail := &sarama.TopicDetail{
		NumPartitions: 2, ReplicationFactor: 1,
		ConfigEntries: map[string]*string{"retention.ms": &retention},
	}
	exists := func() bool {
		_, listed := Must(admin.ListTopics())[topic]
		return listed
	}
	Check(admin.CreateTopic(topic, detail, true))
	Expect(exists(), false, "exists after validation only")
	Check(admin.CreateTopic(topic, detail, false))
	Until(r, "the topic exists", exists)
	Expect(errors.Is(admin.CreateTopic(topic, detail, false), sarama.ErrTopicAlreadyExists), true, "created again")
	Expect(*Must(admin.ListTopics())[topic].ConfigEntries["retention.ms"], retention, "config in the list")

	Check(admin.CreatePartitions(topic, 5, nil, false))
	Expect(errors.Is(admin.CreatePartitions(topic, 3, nil, false), sarama.ErrInvalidPartitions), true, "fewer partitions")
	var described *sarama.TopicMetadata
	Until(r, "it has five partitions", func() bool {
		described = Must(admin.DescribeTopics([]string{topic}))[0]
		Check(noError(described.Err))
		return len(described.Partitions) == 5
	})
	brokers, controller, err := admin.DescribeCluster()
	Check(err)
	Expect(len(brokers), 1, "brokers")
	for _, partition := range described.Partitions {
		Expect(partition.Isr, []int32{brokers[0].ID()}, "in-sync replicas")
	}
	Expect(controller, brokers[0].ID(), "controller")

	resource := &sarama.ConfigResource{Type: sarama.TopicResource, Name: topic}
	options := sarama.DescribeConfigsOptions{IncludeSynonyms: true, IncludeDocumentation: true}
	if !brokerVersion.IsAtLeast(sarama.V2_6_0_0) {
		options.IncludeDocumentation = false
	}
	found := map[string]string{}
	for _, config := range Must(admin.DescribeConfigs([]*sarama.ConfigResource{resource}, options))[0].Configs {
		found[config.Name] = fmt.Sprint(config.Value, " ", config.Source)
	}
	Expect(found["retention.ms"], "123456 Topic", "set config")
	Expect(found["cleanup.policy"], "delete Default", "default")

	produce(topic, numbered(10, 3))
	Check(admin.DeleteRecords(topic, map[int32]int64{3: 6}))
	ends := func(which int64) int64 {
		return Must(admin.ListOffsets(map[string]map[int32]int64{topic: {3: which}}, nil))[topic][3].Offset
	}
	Expect([2]int64{ends(sarama.OffsetOldest), ends(sarama.OffsetNewest)}, [2]int64{6, 10}, "offsets")

	Check(admin.DeleteTopic(topic))
	Until(r, "the topic is gone", func() bool { return !exists() })
	Expect(errors.Is(admin.DeleteTopic(topic), sarama.ErrUnknownTopicOrPartition), true, "deleted again")
}

// noError is nil for sarama's error that says that there is none.
func noError(err error) error {
	if errors.Is(err, sarama.ErrNoError) {
		return nil
	}
	return err
}

func adminGroups(r *Run) {
	admin := newAdmin()
	defer admin.Close()
	topic, group := createTopic("admin-groups", 2), Unique("admin-groups")
	produce(topic, numbered(5, 0))
	reader := joinWith(topic, group, func(session sarama.ConsumerGroupSession, message *sarama.ConsumerMessage) {
		session.MarkMessage(message, "")
		if message.Offset == 4 {
			session.Commit()
		}
	}, func(config *sarama.Config) { config.ClientID = "the-reader" })
	reader.read(r, 5)

	Expect(Must(admin.ListConsumerGroups())[group], "consumer", "listed")
	described := describe(r, group, 1)
	for _, each := range described.Members {
		Expect([]string{each.ClientId, each.ClientHost}, []string{"the-reader", "/127.0.0.1"}, "member")
		assignment := Must(each.GetMemberAssignment())
		Expect(assignment.Topics, map[string][]int32{topic: {0, 1}}, "assignment")
	}
	Expect(errors.Is(admin.DeleteConsumerGroup(group), sarama.ErrNonEmptyGroup), true, "deleted while in use")

	committed := func() int64 {
		fetched := Must(admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}}))
		if block := fetched.GetGroupBlock(group, topic, 0); block != nil {
			return block.Offset
		}
		return fetched.GetBlock(topic, 0).Offset
	}
	Expect(committed(), 5, "committed")
	wanted := map[string]map[int32]sarama.OffsetAndMetadata{topic: {0: {Offset: 2, LeaderEpoch: -1}}}
	commit := func() sarama.KError {
		return Must(admin.AlterConsumerGroupOffsets(group, wanted, nil)).Errors[topic][0]
	}
	Expect(commit(), sarama.ErrUnknownMemberId, "committed from outside while in use")
	reader.close()
	Until(r, "the group is empty", func() bool {
		return Must(admin.DescribeConsumerGroups([]string{group}))[0].State == "Empty"
	})
	Expect(commit(), sarama.ErrNoError, "committed from outside")
	Expect(committed(), 2, "committed from outside")
	again := join(topic, group)
	Expect(offsets(again.read(r, 3)), []int64{2, 3, 4}, "read from there")
	again.close()

	// Offsets of one topic are deleted since 2.4.
	if brokerVersion.IsAtLeast(sarama.V2_4_0_0) {
		Check(admin.DeleteConsumerGroupOffset(group, topic, 0))
		Expect(committed(), -1, "committed after deletion")
	}
	Check(admin.DeleteConsumerGroup(group))
	Expect(errors.Is(admin.DeleteConsumerGroup(group), sarama.ErrGroupIDNotFound), true, "deleted again")
}
