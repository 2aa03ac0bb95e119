package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	. "ottla/compat-tests/go-harness"
)

func adminTopics(r *Run) {
	client := newClient()
	topic := Unique("admin")
	config := kafka.TopicConfig{
		Topic: topic, NumPartitions: 2, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: "123456"}},
	}
	create := func(ctx context.Context, validateOnly bool) error {
		request := &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}, ValidateOnly: validateOnly}
		return Must(client.CreateTopics(ctx, request)).Errors[topic]
	}
	metadata := func() *kafka.MetadataResponse {
		return Must(client.Metadata(r, &kafka.MetadataRequest{}))
	}
	found := func() (here kafka.Topic) {
		for _, each := range metadata().Topics {
			if each.Name == topic {
				here = each
			}
		}
		return
	}
	// After each answer kafka-go waits for the topic to be seen, as long as it may, even if it was validated only.
	soon, cancel := context.WithTimeout(r, time.Second)
	Check(create(soon, true))
	cancel()
	Expect(found().Name, "", "exists after validation only")
	Check(create(r, false))
	Until(r, "the topic exists", func() bool { return found().Name == topic })
	Expect(errors.Is(create(r, false), kafka.TopicAlreadyExists), true, "created again")

	grow := func(count int32) error {
		wanted := []kafka.TopicPartitionsConfig{{Name: topic, Count: count}}
		return Must(client.CreatePartitions(r, &kafka.CreatePartitionsRequest{Topics: wanted})).Errors[topic]
	}
	Check(grow(5))
	Expect(errors.Is(grow(3), kafka.InvalidPartitionNumber), true, "fewer partitions")
	Until(r, "it has five partitions", func() bool { return len(found().Partitions) == 5 })
	cluster := metadata()
	Expect(len(cluster.ClusterID), 22, "length of the cluster id")
	Expect(len(cluster.Brokers), 1, "brokers")
	Expect(cluster.Controller, cluster.Brokers[0], "controller")
	for _, partition := range found().Partitions {
		Expect(partition.Leader, cluster.Controller, "leader")
		Expect(partition.Isr, []kafka.Broker{cluster.Controller}, "in-sync replicas")
	}
	describeConfigs(r, client, topic)

	first := Must(client.ListOffsets(r, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(3), kafka.LastOffsetOf(3)},
	}}))
	Expect([2]int64{first.Topics[topic][0].FirstOffset, first.Topics[topic][0].LastOffset}, [2]int64{0, 0}, "offsets")
	versions := Must(client.ApiVersions(r, &kafka.ApiVersionsRequest{}))
	Check(versions.Error)

	remove := func() error {
		return Must(client.DeleteTopics(r, &kafka.DeleteTopicsRequest{Topics: []string{topic}})).Errors[topic]
	}
	Check(remove())
	Until(r, "the topic is gone", func() bool { return found().Name == "" })
	Expect(errors.Is(remove(), kafka.UnknownTopicOrPartition), true, "deleted again")
}

func describeConfigs(r *Run, client *kafka.Client, topic string) {
	described := Must(client.DescribeConfigs(r, &kafka.DescribeConfigsRequest{
		Resources:       []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}},
		IncludeSynonyms: true,
	})).Resources[0]
	Check(described.Error)
	found := map[string]string{}
	for _, config := range described.ConfigEntries {
		found[config.ConfigName] = fmt.Sprint(config.ConfigValue, " ", config.ConfigSource)
	}
	// Source 1 is the topic's own config, 5 the default.
	Expect(found["retention.ms"], "123456 1", "set config")
	Expect(found["cleanup.policy"], "delete 5", "default")
}

func adminGroups(r *Run) {
	client := newClient()
	topic, group := createTopic(r, "admin-groups", 2), Unique("admin-groups")
	produce(r, topic, numbered(5, 0))
	reader := join(topic, group, func(config *kafka.ReaderConfig) {
		config.Dialer = &kafka.Dialer{ClientID: "the reader"}
	})
	Check(reader.CommitMessages(r, receive(r, reader, 5)...))

	listed := Must(client.ListGroups(r, &kafka.ListGroupsRequest{}))
	Check(listed.Error)
	types := map[string]string{}
	for _, each := range listed.Groups {
		types[each.GroupID] = each.ProtocolType
	}
	Expect(types[group], "consumer", "listed")
	described := describe(r, group, 1)
	member := described.Members[0]
	Expect([]string{member.ClientID, member.ClientHost}, []string{"the reader", "/127.0.0.1"}, "member")
	Expect(assigned(described), [][]int{{0, 1}}, "assignment")
	remove := func() error {
		return Must(client.DeleteGroups(r, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})).Errors[group]
	}
	Expect(errors.Is(remove(), kafka.NonEmptyGroup), true, "deleted while in use")

	asked := map[string][]int{topic: {0}}
	committed := func() int64 {
		fetched := Must(client.OffsetFetch(r, &kafka.OffsetFetchRequest{GroupID: group, Topics: asked}))
		Check(fetched.Error)
		return fetched.Topics[topic][0].CommittedOffset
	}
	Expect(committed(), 5, "committed")
	commit := func() error {
		return Must(client.OffsetCommit(r, &kafka.OffsetCommitRequest{
			GroupID: group, GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: 0, Offset: 2}}},
		})).Topics[topic][0].Error
	}
	Expect(errors.Is(commit(), kafka.UnknownMemberId), true, "committed from outside while in use")
	Check(reader.Close())
	Until(r, "the group is empty", func() bool {
		groups := Must(client.DescribeGroups(r, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})).Groups
		return groups[0].GroupState == "Empty"
	})
	Check(commit())
	Expect(committed(), 2, "committed from outside")
	again := join(topic, group)
	Expect(offsets(receive(r, again, 3)), []int64{2, 3, 4}, "read from there")
	Check(again.Close())

	Until(r, "offsets are deleted", func() bool {
		removed := Must(client.OffsetDelete(r, &kafka.OffsetDeleteRequest{GroupID: group, Topics: asked}))
		return removed.Error == nil && removed.Topics[topic][0].Error == nil
	})
	Expect(committed(), -1, "committed after deletion")
	Check(remove())
	Expect(errors.Is(remove(), kafka.GroupIdNotFound), true, "deleted again")
}
