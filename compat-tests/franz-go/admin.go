package main

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func adminTopics(r *run) {
	admin := newAdmin()
	defer admin.Close()
	topic := unique("admin")
	exists := func() bool {
		listed, err := admin.ListTopics(r, topic)
		check(err)
		return listed.Has(topic)
	}
	configs := map[string]*string{"retention.ms": kadm.StringPtr("123456")}
	validated, err := admin.ValidateCreateTopics(r, 2, 1, configs, topic)
	check(err)
	check(validated[topic].Err)
	expect(exists(), false, "exists after validation only")
	created, err := admin.CreateTopic(r, 2, 1, configs, topic)
	check(err)
	expect(created.NumPartitions, 2, "partitions")
	expect(*created.Configs["retention.ms"].Value, "123456", "config in the answer")
	until(r, "the topic exists", exists) // kadm keeps what it was last told for a moment
	_, err = admin.CreateTopic(r, 2, 1, nil, topic)
	expect(errors.Is(err, kerr.TopicAlreadyExists), true, "created again")

	grown, err := admin.UpdatePartitions(r, 5, topic)
	check(err)
	check(grown.Error())
	shrunk, err := admin.UpdatePartitions(r, 3, topic)
	check(err)
	expect(errors.Is(shrunk[topic].Err, kerr.InvalidPartitions), true, "fewer partitions")
	listed, err := admin.ListTopics(r, topic)
	check(err)
	expect(listed[topic].Partitions.Numbers(), upTo(5), "partitions")
	expect(listed[topic].ID, created.ID, "topic id")

	described, err := admin.DescribeTopicConfigs(r, topic)
	check(err)
	found, err := described.On(topic, nil)
	check(err)
	for _, config := range found.Configs {
		switch config.Key {
		case "retention.ms":
			expect(fmt.Sprint(*config.Value, " ", config.Source), "123456 DYNAMIC_TOPIC_CONFIG", config.Key)
		case "cleanup.policy":
			expect(fmt.Sprint(*config.Value, " ", config.Source), "delete DEFAULT_CONFIG", config.Key)
		}
	}

	produce(r, topic, numbered(10, 3), byHand)
	var wanted kadm.Offsets
	wanted.AddOffset(topic, 3, 6, -1)
	deleted, err := admin.DeleteRecords(r, wanted)
	check(err)
	low, _ := deleted.Lookup(topic, 3)
	expect(low.LowWatermark, 6, "low watermark")
	ends := func(list func() (kadm.ListedOffsets, error)) int64 {
		offsets, err := list()
		check(err)
		end, _ := offsets.Lookup(topic, 3)
		return end.Offset
	}
	expect(ends(func() (kadm.ListedOffsets, error) { return admin.ListStartOffsets(r, topic) }), 6, "start")
	expect(ends(func() (kadm.ListedOffsets, error) { return admin.ListEndOffsets(r, topic) }), 10, "end")

	metadata, err := admin.BrokerMetadata(r)
	check(err)
	expect(metadata.Brokers.NodeIDs(), []int32{metadata.Controller}, "brokers")
	expect(len(metadata.Cluster), 22, "length of the cluster id")
	versions, err := admin.ApiVersions(r)
	check(err)
	for _, broker := range versions {
		check(broker.Err)
		_, served := broker.KeyMaxVersion(18)
		expect(served, true, "ApiVersions is served")
	}

	gone, err := admin.DeleteTopics(r, topic)
	check(err)
	check(gone.Error())
	until(r, "the topic is gone", func() bool { return !exists() })
	gone, err = admin.DeleteTopics(r, topic)
	check(err)
	expect(errors.Is(gone[topic].Err, kerr.UnknownTopicOrPartition), true, "deleted again")
}

func adminGroups(r *run) {
	admin := newAdmin()
	defer admin.Close()
	topic, group := createTopic(r, "admin-groups", 2), unique("admin-groups")
	produce(r, topic, numbered(5, 0), byHand)
	member := join(topic, group, kgo.ClientID("the reader"))
	member.read(r, 5)
	check(member.CommitUncommittedOffsets(r))

	listed, err := admin.ListGroups(r)
	check(err)
	expect(fmt.Sprint(listed[group].ProtocolType, " ", listed[group].State), "consumer Stable", "listed")
	described := describe(r, group, 1)
	expect(described.ProtocolType, "consumer", "protocol type")
	expect(described.Members[0].ClientID, "the reader", "client id")
	expect(described.Members[0].ClientHost, "/127.0.0.1", "client host")
	expect(described.AssignedPartitions()[topic], map[int32]struct{}{0: {}, 1: {}}, "assignment")
	deleted, err := admin.DeleteGroups(r, group)
	check(err)
	expect(errors.Is(deleted[group].Err, kerr.NonEmptyGroup), true, "deleted while in use")

	committed := func() int64 {
		fetched, err := admin.FetchOffsets(r, group)
		check(err)
		check(fetched.Error())
		found, there := fetched.Lookup(topic, 0)
		if !there {
			return -1
		}
		return found.At
	}
	expect(committed(), 5, "committed")
	var wanted kadm.Offsets
	wanted.AddOffset(topic, 0, 2, -1)
	refused, err := admin.CommitOffsets(r, group, wanted)
	check(err)
	expect(errors.Is(refused.Error(), kerr.UnknownMemberID), true, "committed from outside while in use")
	removed, err := admin.DeleteOffsets(r, group, wanted.TopicsSet())
	check(err)
	expect(errors.Is(removed[topic][0], kerr.GroupSubscribedToTopic), true, "offsets deleted while in use")
	member.Close()
	until(r, "the group is empty", func() bool {
		groups, err := admin.DescribeGroups(r, group)
		check(err)
		return groups[group].State == "Empty"
	})

	check(admin.CommitAllOffsets(r, group, wanted))
	expect(committed(), 2, "committed from outside")
	lag, err := admin.Lag(r, group)
	check(err)
	expect(lag[group].Lag.Total(), 3, "lag")
	again := join(topic, group)
	expect(offsets(again.read(r, 3)), []int64{2, 3, 4}, "read from there")
	again.Close()

	until(r, "the group is empty again", func() bool {
		removed, err = admin.DeleteOffsets(r, group, wanted.TopicsSet())
		check(err)
		return removed[topic][0] == nil
	})
	expect(committed(), -1, "committed after deletion")
	deleted, err = admin.DeleteGroups(r, group)
	check(err)
	check(deleted[group].Err)
	deleted, err = admin.DeleteGroups(r, group)
	check(err)
	expect(errors.Is(deleted[group].Err, kerr.GroupIDNotFound), true, "deleted again")
}
