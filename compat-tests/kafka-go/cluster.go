package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	. "ottla/compat-tests/go-harness"
)

func adminConfigs(r *Run) {
	client, topic := newClient(), createTopic(r, "configs", 1)
	config := func(key string) string {
		resource := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic}
		request := &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{resource}}
		described := Must(client.DescribeConfigs(r, request)).Resources[0]
		Check(described.Error)
		for _, each := range described.ConfigEntries {
			if each.ConfigName == key {
				return fmt.Sprint(each.ConfigValue, " ", each.ConfigSource)
			}
		}
		return ""
	}
	becomes := func(key, value string) {
		Until(r, fmt.Sprint(key, " is ", value), func() bool { return config(key) == value })
	}

	// The older way replaces all that there was.
	replace := func(key, value string) (failed error) {
		answer := Must(client.AlterConfigs(r, &kafka.AlterConfigsRequest{
			Resources: []kafka.AlterConfigRequestResource{{
				ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
				Configs: []kafka.AlterConfigRequestConfig{{Name: key, Value: value}},
			}},
		}))
		for _, err := range answer.Errors {
			failed = err
		}
		return
	}
	// Source 1 is the topic's own config, 5 the default.
	Check(replace("segment.ms", "654321"))
	becomes("segment.ms", "654321 1")
	Check(replace("retention.ms", "123456"))
	becomes("retention.ms", "123456 1")
	becomes("segment.ms", "604800000 5")
	Expect(errors.Is(replace("retention.ms", "long"), kafka.InvalidConfiguration), true, "a wrong value")

	alter := func(operation kafka.ConfigOperation, key, value string) {
		answer := Must(client.IncrementalAlterConfigs(r, &kafka.IncrementalAlterConfigsRequest{
			Resources: []kafka.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
				Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: key, Value: value, ConfigOperation: operation}},
			}},
		}))
		Check(answer.Resources[0].Error)
	}
	alter(kafka.ConfigOperationSet, "segment.ms", "654321")
	becomes("segment.ms", "654321 1")
	alter(kafka.ConfigOperationAppend, "cleanup.policy", "compact")
	becomes("cleanup.policy", "delete,compact 1")
	alter(kafka.ConfigOperationDelete, "cleanup.policy", "")
	becomes("cleanup.policy", "delete 5")
	becomes("retention.ms", "123456 1")
}

func adminCluster(r *Run) {
	client, topic := newClient(), createTopic(r, "cluster", 1)
	moving := Must(client.ListPartitionReassignments(r, &kafka.ListPartitionReassignmentsRequest{
		Topics:  map[string]kafka.ListPartitionReassignmentsRequestTopic{topic: {PartitionIndexes: []int{0}}},
		Timeout: time.Second,
	}))
	Check(moving.Error)
	Expect(len(moving.Topics), 0, "reassignments")
	elected := Must(client.ElectLeaders(r, &kafka.ElectLeadersRequest{Topic: topic, Partitions: []int{0}, Timeout: time.Second}))
	Check(elected.Error)
	Expect(errors.Is(elected.PartitionResults[0].Error, kafka.ElectionNotNeeded), true, "election of the leader")
	acls := Must(client.DescribeACLs(r, &kafka.DescribeACLsRequest{Filter: kafka.ACLFilter{
		ResourceTypeFilter: kafka.ResourceTypeAny, ResourcePatternTypeFilter: kafka.PatternTypeAny,
		Operation: kafka.ACLOperationTypeAny, PermissionType: kafka.ACLPermissionTypeAny,
	}}))
	Expect(errors.Is(acls.Error, kafka.SecurityDisabled), true, "ACLs without an authorizer")
	quotas(r, client)
	credentials(r, client)
}

func quotas(r *Run, client *kafka.Client) {
	user, key := Unique("user"), "producer_byte_rate"
	found := func() (values []float64) {
		component := kafka.DescribeClientQuotasRequestComponent{EntityType: "user", Match: user}
		request := &kafka.DescribeClientQuotasRequest{Components: []kafka.DescribeClientQuotasRequestComponent{component}, Strict: true}
		described := Must(client.DescribeClientQuotas(r, request))
		Check(described.Error)
		for _, entry := range described.Entries {
			for _, value := range entry.Values {
				values = append(values, value.Value)
			}
		}
		return
	}
	alter := func(change kafka.AlterClientQuotaOps) {
		altered := Must(client.AlterClientQuotas(r, &kafka.AlterClientQuotasRequest{Entries: []kafka.AlterClientQuotaEntry{{
			Entities: []kafka.AlterClientQuotaEntity{{EntityType: "user", EntityName: user}},
			Ops:      []kafka.AlterClientQuotaOps{change},
		}}}))
		Check(altered.Entries[0].Error)
	}
	alter(kafka.AlterClientQuotaOps{Key: key, Value: 1e6})
	Until(r, "the quota is there", func() bool { return len(found()) == 1 })
	Expect(found(), []float64{1e6}, "quota")
	alter(kafka.AlterClientQuotaOps{Key: key, Remove: true})
	Until(r, "the quota is gone", func() bool { return len(found()) == 0 })
}

func credentials(r *Run, client *kafka.Client) {
	user := Unique("user")
	described := func() kafka.DescribeUserScramCredentialsResponseResult {
		request := &kafka.DescribeUserScramCredentialsRequest{Users: []kafka.UserScramCredentialsUser{{Name: user}}}
		answer := Must(client.DescribeUserScramCredentials(r, request))
		Check(answer.Error)
		return answer.Results[0]
	}
	altered := Must(client.AlterUserScramCredentials(r, &kafka.AlterUserScramCredentialsRequest{
		Upsertions: []kafka.UserScramCredentialsUpsertion{{
			Name: user, Mechanism: kafka.ScramMechanismSha512, Iterations: 4096,
			Salt: []byte("salt"), SaltedPassword: []byte("salted"),
		}},
	}))
	Check(altered.Results[0].Error)
	Until(r, "the user is there", func() bool { return described().Error == nil })
	found := described().CredentialInfos[0]
	Expect(found.Mechanism == kafka.ScramMechanismSha512 && found.Iterations == 4096, true, "credentials")
	altered = Must(client.AlterUserScramCredentials(r, &kafka.AlterUserScramCredentialsRequest{
		Deletions: []kafka.UserScramCredentialsDeletion{{Name: user, Mechanism: kafka.ScramMechanismSha512}},
	}))
	Check(altered.Results[0].Error)
	Until(r, "the user is gone", func() bool { return errors.Is(described().Error, kafka.ResourceNotFound) })
}
