package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/IBM/sarama"
	. "ottla/compat-tests/go-harness"
)

// metrics prints, as one JSON object, what an exporter like kafka_exporter tells of a topic and of a group, having
// asked for it as that does: through one client and its brokers, request by request.
func metrics(topic, group string) {
	config := newConfig()
	config.ClientID = "kafka_exporter"
	client := Must(sarama.NewClient([]string{Bootstrap}, config))
	defer client.Close()
	told := map[string]int64{"kafka_brokers": int64(len(client.Brokers()))}
	Check(client.RefreshMetadata())
	for _, each := range Must(client.Topics()) {
		if each == topic {
			topicMetrics(client, topic, told)
		}
	}
	for _, broker := range client.Brokers() {
		if connected, _ := broker.Connected(); !connected {
			Check(broker.Open(config))
		}
		groupMetrics(client, broker, topic, group, told)
	}
	Check(json.NewEncoder(os.Stdout).Encode(told))
}

func topicMetrics(client sarama.Client, topic string, told map[string]int64) {
	partitions := Must(client.Partitions(topic))
	told["kafka_topic_partitions"] = int64(len(partitions))
	for _, partition := range partitions {
		tell := func(name string, value int64) {
			told[fmt.Sprintf("kafka_topic_partition_%s %d", name, partition)] = value
		}
		leader := Must(client.Leader(topic, partition))
		replicas, inSync := Must(client.Replicas(topic, partition)), Must(client.InSyncReplicas(topic, partition))
		tell("leader", int64(leader.ID()))
		tell("current_offset", Must(client.GetOffset(topic, partition, sarama.OffsetNewest)))
		tell("oldest_offset", Must(client.GetOffset(topic, partition, sarama.OffsetOldest)))
		tell("under_replicated_partition", int64(len(replicas)-len(inSync)))
	}
}

func groupMetrics(client sarama.Client, broker *sarama.Broker, topic, group string, told map[string]int64) {
	listed := Must(broker.ListGroups(&sarama.ListGroupsRequest{}))
	if _, here := listed.Groups[group]; !here {
		return
	}
	described := Must(broker.DescribeGroups(&sarama.DescribeGroupsRequest{Groups: []string{group}})).Groups[0]
	Check(noError(described.Err))
	told["kafka_consumergroup_members"] = int64(len(described.Members))
	request := &sarama.OffsetFetchRequest{ConsumerGroup: group, Version: 4}
	for _, partition := range Must(client.Partitions(topic)) {
		request.AddPartition(topic, partition)
	}
	fetched := Must(broker.FetchOffset(request))
	Check(noError(fetched.Err))
	for partition, block := range fetched.Blocks[topic] {
		Check(noError(block.Err))
		told[fmt.Sprint("kafka_consumergroup_current_offset ", partition)] = block.Offset
		if block.Offset >= 0 {
			newest := Must(client.GetOffset(topic, partition, sarama.OffsetNewest))
			told[fmt.Sprint("kafka_consumergroup_lag ", partition)] = newest - block.Offset
		}
	}
}
