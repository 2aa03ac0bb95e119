import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.utility.DockerImageName;

class OrdersTest {

    private static final DockerImageName IMAGE =
        DockerImageName.parse(Optional.ofNullable(System.getenv("OTTLA_IMAGE")).orElse("ottla:0.1.0"))
            .asCompatibleSubstituteFor("apache/kafka");

    private static final KafkaContainer KAFKA = new KafkaContainer(IMAGE);

    @BeforeAll
    static void startKafka() {
        KAFKA.start();
    }

    @AfterAll
    static void stopKafka() {
        KAFKA.stop();
    }

    @Test
    void anOrderArrives() throws Exception {
        Map<String, Object> servers = Map.of("bootstrap.servers", KAFKA.getBootstrapServers());
        try (var producer = new KafkaProducer<>(servers, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("orders", "42", "one large coffee")).get();
        }

        Map<String, Object> reading = Map.of(
            "bootstrap.servers", KAFKA.getBootstrapServers(),
            "group.id", "barista",
            "auto.offset.reset", "earliest");
        try (var consumer = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of("orders"));
            var records = consumer.poll(Duration.ofSeconds(10));
            assertEquals(1, records.count());
            var order = records.iterator().next();
            assertEquals("42", order.key());
            assertEquals("one large coffee", order.value());
        }
    }
}
