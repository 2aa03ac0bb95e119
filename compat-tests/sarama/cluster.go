package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

func adminConfigs(r *Run) {
	admin := newAdmin()
	defer admin.Close()
	topic := createTopic("configs", 1)
	config := func(key string) string {
		resource := &sarama.ConfigResource{Type: sarama.TopicResource, Name: topic}
		described := Must(admin.DescribeConfigs([]*sarama.ConfigResource{resource}, sarama.DescribeConfigsOptions{}))[0]
		for _, each := range described.Configs {
			if each.Name == key {
				return fmt.Sprint(each.Value, " ", each.Source)
			}
		}
		return ""
	}
	becomes := func(key, value string) {
		Until(r, fmt.Sprint(key, " is ", value), func() bool { return config(key) == value })
	}
	value := func(text string) *string { return &text }

	// The older way replaces all that there was.
	replace := func(key, text string) error {
		return admin.AlterConfig(sarama.TopicResource, topic, map[string]*string{key: value(text)}, false)
	}
	Check(replace("segment.ms", "654321"))
	becomes("segment.ms", "654321 Topic")
	Check(replace("retention.ms", "123456"))
	becomes("retention.ms", "123456 Topic")
	becomes("segment.ms", "604800000 Default")
	Expect(errors.Is(replace("retention.ms", "long"), sarama.ErrInvalidConfig), true, "a wrong value")

	// One config by itself is altered since 2.3.
	if !brokerVersion.IsAtLeast(sarama.V2_3_0_0) {
		return
	}
	alter := func(operation sarama.IncrementalAlterConfigsOperation, key string, text *string) {
		entries := map[string]sarama.IncrementalAlterConfigsEntry{key: {Operation: operation, Value: text}}
		Check(admin.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false))
	}
	alter(sarama.IncrementalAlterConfigsOperationSet, "segment.ms", value("654321"))
	becomes("segment.ms", "654321 Topic")
	alter(sarama.IncrementalAlterConfigsOperationAppend, "cleanup.policy", value("compact"))
	becomes("cleanup.policy", "delete,compact Topic")
	alter(sarama.IncrementalAlterConfigsOperationDelete, "cleanup.policy", nil)
	becomes("cleanup.policy", "delete Default")
	becomes("retention.ms", "123456 Topic")
}

func adminCluster(r *Run) {
	admin := newAdmin()
	defer admin.Close()
	topic := createTopic("cluster", 1)
	produce(topic, numbered(10, 0))
	brokers, _, err := admin.DescribeCluster()
	Check(err)
	size := int64(0)
	for _, directory := range Must(admin.DescribeLogDirs([]int32{brokers[0].ID()}))[brokers[0].ID()] {
		for _, each := range directory.Topics {
			if each.Topic == topic {
				size += each.Partitions[0].Size
			}
		}
	}
	Expect(size > 0, true, "size on disk")
	_, err = admin.ListAcls(sarama.AclFilter{
		ResourceType: sarama.AclResourceAny, ResourcePatternTypeFilter: sarama.AclPatternAny,
		Operation: sarama.AclOperationAny, PermissionType: sarama.AclPermissionAny,
	})
	// sarama tells the refusal, and nothing where the answer has room for none.
	Expect(err == nil || errors.Is(err, sarama.ErrSecurityDisabled), true, fmt.Sprint("ACLs without an authorizer: ", err))

	if brokerVersion.IsAtLeast(sarama.V2_4_0_0) {
		moving := Must(admin.ListPartitionReassignments(topic, []int32{0}))
		Expect(len(moving), 0, "reassignments")
		elected := Must(admin.ElectLeaders(sarama.PreferredElection, map[string][]int32{topic: {0}}))[topic][0]
		Expect(elected.ErrorCode, sarama.KError(84), "election of the leader, which is not needed")
	}
	if brokerVersion.IsAtLeast(sarama.V2_6_0_0) {
		quotas(r, admin)
	}
	if brokerVersion.IsAtLeast(sarama.V2_7_0_0) {
		credentials(r, admin)
	}
}

func quotas(r *Run, admin sarama.ClusterAdmin) {
	user, key := Unique("user"), "producer_byte_rate"
	found := func() (values []float64) {
		filter := sarama.QuotaFilterComponent{EntityType: sarama.QuotaEntityUser, MatchType: sarama.QuotaMatchExact, Match: user}
		for _, each := range Must(admin.DescribeClientQuotas([]sarama.QuotaFilterComponent{filter}, true)) {
			values = append(values, each.Values[key])
		}
		return
	}
	entity := []sarama.QuotaEntityComponent{{EntityType: sarama.QuotaEntityUser, MatchType: sarama.QuotaMatchExact, Name: user}}
	Check(admin.AlterClientQuotas(entity, sarama.ClientQuotasOp{Key: key, Value: 1e6}, false))
	Until(r, "the quota is there", func() bool { return len(found()) == 1 })
	Expect(found(), []float64{1e6}, "quota")
	Check(admin.AlterClientQuotas(entity, sarama.ClientQuotasOp{Key: key, Remove: true}, false))
	Until(r, "the quota is gone", func() bool { return len(found()) == 0 })
}

func credentials(r *Run, admin sarama.ClusterAdmin) {
	user := Unique("user")
	described := func() *sarama.DescribeUserScramCredentialsResult {
		return Must(admin.DescribeUserScramCredentials([]string{user}))[0]
	}
	altered := Must(admin.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{
		Name: user, Mechanism: sarama.SCRAM_MECHANISM_SHA_256, Iterations: 4096,
		Salt: []byte(strings.Repeat("salt", 4)), Password: []byte("secret"),
	}}))
	Check(noError(altered[0].ErrorCode))
	Until(r, "the user is there", func() bool { return described().ErrorCode == sarama.ErrNoError })
	found := described().CredentialInfos[0]
	Expect(fmt.Sprint(found.Mechanism, " ", found.Iterations), "SCRAM-SHA-256 4096", "credentials")
	altered = Must(admin.DeleteUserScramCredentials([]sarama.AlterUserScramCredentialsDelete{
		{Name: user, Mechanism: sarama.SCRAM_MECHANISM_SHA_256},
	}))
	Check(noError(altered[0].ErrorCode))
	// RESOURCE_NOT_FOUND
	Until(r, "the user is gone", func() bool { return described().ErrorCode == sarama.KError(91) })
}
