import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.startupcheck.OneShotStartupCheckStrategy;
import org.testcontainers.kafka.ConfluentKafkaContainer;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

/** Testcontainers' containers for Kafka. OTTLA_IMAGE and OTTLA_KRAFT_IMAGE name the image. */
class ContainersTest {

    private static final DockerImageName IMAGE = DockerImageName.parse(System.getenv("OTTLA_IMAGE"));

    /** The same one, with a tag that stands for a version of Confluent's that has KRaft. */
    private static final DockerImageName KRAFT_IMAGE = DockerImageName.parse(System.getenv("OTTLA_KRAFT_IMAGE"));

    /** What the modules give to each of their containers. */
    private static final String CLUSTER_ID = "4L6g3nShT-eMCtK--X86sw";

    @Test
    void apacheKafka() throws Exception {
        try (var kafka = new KafkaContainer(IMAGE.asCompatibleSubstituteFor("apache/kafka"))) {
            kafka.start();
            thereAndBack(kafka.getBootstrapServers());
            assertEquals(CLUSTER_ID, clusterId(kafka.getBootstrapServers()));
        }
    }

    @Test
    void apacheKafkaFromAnotherContainer() throws Exception {
        try (var network = Network.newNetwork();
            var kafka = new KafkaContainer(IMAGE.asCompatibleSubstituteFor("apache/kafka"))
                .withNetwork(network)
                .withListener("kafka:19092")) {
            kafka.start();
            thereAndBack(kafka.getBootstrapServers());
            assertTrue(topicsSeenFrom(network, "kafka:19092").contains("there"));
        }
    }

    @Test
    void confluentKafka() throws Exception {
        try (var kafka = new ConfluentKafkaContainer(IMAGE.asCompatibleSubstituteFor("confluentinc/cp-kafka"))) {
            kafka.start();
            thereAndBack(kafka.getBootstrapServers());
            assertEquals(CLUSTER_ID, clusterId(kafka.getBootstrapServers()));
        }
    }

    @Test
    @SuppressWarnings("deprecation")
    void theOlderContainer() throws Exception {
        var image = IMAGE.asCompatibleSubstituteFor("confluentinc/cp-kafka");
        try (var kafka = new org.testcontainers.containers.KafkaContainer(image)) {
            kafka.start();
            thereAndBack(kafka.getBootstrapServers());
        }
    }

    @Test
    @SuppressWarnings("deprecation")
    void theOlderContainerWithKraft() throws Exception {
        var image = KRAFT_IMAGE.asCompatibleSubstituteFor("confluentinc/cp-kafka");
        try (var kafka = new org.testcontainers.containers.KafkaContainer(image).withKraft()) {
            kafka.start();
            thereAndBack(kafka.getBootstrapServers());
            assertEquals(CLUSTER_ID, clusterId(kafka.getBootstrapServers()));
        }
    }

    @Test
    void configsOfTheEnvironment() throws Exception {
        try (var kafka = new KafkaContainer(IMAGE.asCompatibleSubstituteFor("apache/kafka"))
                .withEnv("KAFKA_NUM_PARTITIONS", "3")) {
            kafka.start();
            thereAndBack(kafka.getBootstrapServers());
            try (var admin = Admin.create(Map.of("bootstrap.servers", kafka.getBootstrapServers()))) {
                var topic = admin.describeTopics(Set.of("there")).allTopicNames().get().get("there");
                assertEquals(3, topic.partitions().size());
            }
        }
    }

    private static void thereAndBack(String bootstrapServers) throws Exception {
        Map<String, Object> servers = Map.of("bootstrap.servers", bootstrapServers);
        try (var producer = new KafkaProducer<>(servers, new StringSerializer(), new StringSerializer())) {
            assertEquals(0, producer.send(new ProducerRecord<>("there", "and back")).get().offset());
        }
        Map<String, Object> reading = Map.of(
            "bootstrap.servers", bootstrapServers,
            "group.id", "readers",
            "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("there"));
            List<String> values = new ArrayList<>();
            consumer.poll(Duration.ofSeconds(20)).forEach(record -> values.add(record.value()));
            assertEquals(List.of("and back"), values);
            consumer.commitSync();
        }
    }

    private static String clusterId(String bootstrapServers) throws Exception {
        try (var admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
            return admin.describeCluster().clusterId().get();
        }
    }

    private static String topicsSeenFrom(Network network, String bootstrapServers) {
        try (var other = new GenericContainer<>(IMAGE)) {
            other.withNetwork(network)
                .withCommand("kafka-topics", "--bootstrap-server", bootstrapServers, "--list")
                .withStartupCheckStrategy(new OneShotStartupCheckStrategy().withTimeout(Duration.ofSeconds(30)));
            other.start();
            return other.getLogs();
        }
    }
}
