package main

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func adminConfigs(r *run) {
	admin := newAdmin()
	defer admin.Close()
	topic := createTopic(r, "configs", 1)
	config := func(key string) string {
		described, err := admin.DescribeTopicConfigs(r, topic)
		check(err)
		found, err := described.On(topic, nil)
		check(err)
		for _, each := range found.Configs {
			if each.Key == key {
				return fmt.Sprint(*each.Value, " ", each.Source)
			}
		}
		return ""
	}
	becomes := func(key, value string) {
		until(r, fmt.Sprint(key, " is ", value), func() bool { return config(key) == value })
	}
	alter := func(op kadm.IncrementalOp, name string, value string) error {
		wanted := kadm.AlterConfig{Op: op, Name: name, Value: &value}
		altered, err := admin.AlterTopicConfigs(r, []kadm.AlterConfig{wanted}, topic)
		check(err)
		return altered[0].Err
	}
	check(alter(kadm.SetConfig, "retention.ms", "123456"))
	becomes("retention.ms", "123456 DYNAMIC_TOPIC_CONFIG")
	check(alter(kadm.AppendConfig, "cleanup.policy", "compact"))
	becomes("cleanup.policy", "delete,compact DYNAMIC_TOPIC_CONFIG")
	check(alter(kadm.SubtractConfig, "cleanup.policy", "delete"))
	becomes("cleanup.policy", "compact DYNAMIC_TOPIC_CONFIG")
	check(alter(kadm.DeleteConfig, "cleanup.policy", ""))
	becomes("cleanup.policy", "delete DEFAULT_CONFIG")
	expect(errors.Is(alter(kadm.SetConfig, "retention.ms", "long"), kerr.InvalidConfig), true, "a wrong value")

	// The older way replaces all that there was.
	state := kadm.AlterConfig{Name: "segment.ms", Value: kadm.StringPtr("654321")}
	altered, err := admin.AlterTopicConfigsState(r, []kadm.AlterConfig{state}, topic)
	check(err)
	check(altered[0].Err)
	becomes("segment.ms", "654321 DYNAMIC_TOPIC_CONFIG")
	becomes("retention.ms", "604800000 DEFAULT_CONFIG")
}

func adminCluster(r *run) {
	admin := newAdmin()
	defer admin.Close()
	topic := createTopic(r, "cluster", 1)
	produce(r, topic, numbered(10, 0), byHand)
	all := kadm.TopicsSet{topic: {0: {}}}

	directories, err := admin.DescribeAllLogDirs(r, all)
	check(err)
	var size int64
	directories.Each(func(directory kadm.DescribedLogDir) {
		check(directory.Err)
		partition, there := directory.Topics.Lookup(topic, 0)
		if there {
			size += partition.Size
		}
	})
	expect(size > 0, true, "size on disk")
	elected, err := admin.ElectLeaders(r, kadm.ElectPreferredReplica, all)
	check(err)
	expect(errors.Is(elected[topic][0].Err, kerr.ElectionNotNeeded), true, "election of the leader")
	moving, err := admin.ListPartitionReassignments(r, all)
	check(err)
	expect(len(moving), 0, "reassignments")
	producers, err := admin.DescribeProducers(r, all)
	check(err)
	for _, producer := range producers.SortedProducers() {
		expect(producer.LastSequence, 9, "last sequence of the producer")
	}
	expect(len(producers.SortedProducers()), 1, "producers")
	ends, err := admin.OffsetForLeaderEpoch(r, kadm.OffsetForLeaderEpochRequest{topic: {0: 0}})
	check(err)
	expect(fmt.Sprint(ends[topic][0].EndOffset, " ", ends[topic][0].LeaderEpoch), "10 0", "end of the epoch")
	acls := kadm.NewACLs().AnyResource().Allow().AllowHosts().Deny().DenyHosts().Operations()
	described, err := admin.DescribeACLs(r, acls.ResourcePatternType(kadm.ACLPatternAny))
	check(err)
	expect(len(described) > 0, true, "answers about ACLs")
	for _, answer := range described {
		expect(errors.Is(answer.Err, kerr.SecurityDisabled), true, "ACLs without an authorizer")
	}
	reading := kadm.NewACLs().Topics(topic).Allow("User:somebody").AllowHosts("*").Operations(kadm.OpRead)
	created, err := admin.CreateACLs(r, reading.ResourcePatternType(kadm.ACLPatternLiteral))
	check(err)
	expect(errors.Is(created[0].Err, kerr.SecurityDisabled), true, "ACLs created without an authorizer")
	deleted, err := admin.DeleteACLs(r, acls.ResourcePatternType(kadm.ACLPatternAny))
	check(err)
	expect(errors.Is(deleted[0].Err, kerr.SecurityDisabled), true, "ACLs deleted without an authorizer")
	quotas(r, admin)
	credentials(r, admin)
}

func quotas(r *run, admin *kadm.Client) {
	user, key := unique("user"), "producer_byte_rate"
	entity := kadm.ClientQuotaEntity{{Type: "user", Name: &user}}
	found := func() (values []float64) {
		described, err := admin.DescribeClientQuotas(r, true, []kadm.DescribeClientQuotaComponent{{Type: "user", MatchName: &user}})
		check(err)
		for _, each := range described {
			for _, value := range each.Values {
				values = append(values, value.Value)
			}
		}
		return
	}
	alter := func(op kadm.AlterClientQuotaOp) {
		altered, err := admin.AlterClientQuotas(r, []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{op}}})
		check(err)
		check(altered[0].Err)
	}
	alter(kadm.AlterClientQuotaOp{Key: key, Value: 1e6})
	until(r, "the quota is there", func() bool { return len(found()) == 1 })
	expect(found(), []float64{1e6}, "quota")
	alter(kadm.AlterClientQuotaOp{Key: key, Remove: true})
	until(r, "the quota is gone", func() bool { return len(found()) == 0 })
}

func credentials(r *run, admin *kadm.Client) {
	user := unique("user")
	altered, err := admin.AlterUserSCRAMs(r, nil, []kadm.UpsertSCRAM{
		{User: user, Mechanism: kadm.ScramSha256, Iterations: 4096, Password: "secret"},
	})
	check(err)
	check(altered[user].Err)
	var described kadm.DescribedUserSCRAMs
	until(r, "the user is there", func() bool {
		described, err = admin.DescribeUserSCRAMs(r, user)
		check(err)
		return described[user].Err == nil
	})
	expect(fmt.Sprint(described[user].CredInfos), "[SCRAM-SHA-256=iterations=4096]", "credentials")
	altered, err = admin.AlterUserSCRAMs(r, []kadm.DeleteSCRAM{{User: user, Mechanism: kadm.ScramSha256}}, nil)
	check(err)
	check(altered[user].Err)
	until(r, "the user is gone", func() bool {
		described, err = admin.DescribeUserSCRAMs(r, user)
		check(err)
		return errors.Is(described[user].Err, kerr.ResourceNotFound)
	})
}
