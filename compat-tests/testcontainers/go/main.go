// A test of testcontainers' module for Kafka: started with the name of an image, it says what it saw.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/kafka"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"
)

const clusterID = "4L6g3nShT-eMCtK--X86sw"

var modes = map[string]func(context.Context, string) error{
	"as-it-comes":       asItComes,
	"another-container": fromAnotherContainer,
}

func main() {
	image, mode := os.Args[1], os.Args[2]
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := modes[mode](ctx, image); err != nil {
		fmt.Println(mode, "failed:", err)
		os.Exit(1)
	}
	fmt.Println(mode, "passed")
}

func asItComes(ctx context.Context, image string) error {
	container, err := kafka.Run(ctx, image, kafka.WithClusterID(clusterID))
	defer terminate(container)
	if err != nil {
		return err
	}
	brokers, err := container.Brokers(ctx)
	if err != nil {
		return err
	}
	return thereAndBack(brokers)
}

func fromAnotherContainer(ctx context.Context, image string) error {
	net, err := network.New(ctx)
	if err != nil {
		return err
	}
	defer net.Remove(context.Background())
	// The module has the broker tell other containers its host name, which is this alias here.
	container, err := kafka.Run(ctx, image, network.WithNetwork([]string{"kafka"}, net))
	defer terminate(container)
	if err != nil {
		return err
	}
	brokers, err := container.Brokers(ctx)
	if err != nil {
		return err
	}
	if err := thereAndBack(brokers); err != nil {
		return err
	}
	other, err := testcontainers.Run(ctx, image,
		network.WithNetwork(nil, net),
		testcontainers.WithCmd("kafka-topics", "--bootstrap-server", "kafka:9092", "--list"),
		testcontainers.WithWaitStrategy(wait.ForExit()))
	defer terminate(other)
	if err != nil {
		return err
	}
	logs, err := other.Logs(ctx)
	if err != nil {
		return err
	}
	defer logs.Close()
	seen, err := io.ReadAll(logs)
	if err != nil {
		return err
	}
	if !strings.Contains(string(seen), "there") {
		return fmt.Errorf("the other container saw %q", seen)
	}
	return nil
}

// As with the images of Kafka itself, a shell waits for the broker there, which no signal reaches.
func terminate(container testcontainers.Container) {
	if err := testcontainers.TerminateContainer(container, testcontainers.StopTimeout(0)); err != nil {
		fmt.Println("not terminated:", err)
	}
}

func thereAndBack(brokers []string) error {
	config := sarama.NewConfig()
	config.Version = sarama.V4_0_0_0
	config.Producer.Return.Successes = true
	client, err := sarama.NewClient(brokers, config)
	if err != nil {
		return err
	}
	defer client.Close()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return err
	}
	if err := admin.CreateTopic("there", &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return err
	}
	message := &sarama.ProducerMessage{Topic: "there", Value: sarama.StringEncoder("and back")}
	if _, offset, err := producer.SendMessage(message); err != nil || offset != 0 {
		return fmt.Errorf("sent to offset %d: %w", offset, err)
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return err
	}
	partition, err := consumer.ConsumePartition("there", 0, sarama.OffsetOldest)
	if err != nil {
		return err
	}
	defer partition.AsyncClose()
	select {
	case read := <-partition.Messages():
		if string(read.Value) != "and back" {
			return fmt.Errorf("read %q", read.Value)
		}
	case <-time.After(20 * time.Second):
		return fmt.Errorf("nothing was read")
	}
	return nil
}
