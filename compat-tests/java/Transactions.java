import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.ProducerFencedException;

/** The clients in transactions. */
final class Transactions {
  private static final int IN_EACH = 12;
  private static final int AT_ONCE = 5;
  private static final Map<String, Object> COMMITTED = Map.of("isolation.level", "read_committed");

  private Transactions() {}

  /** A producer that has the id for itself: what another left open is aborted. */
  static KafkaProducer<String, String> producer(String transactionalId, Map<String, Object> settings) {
    Map<String, Object> config = new HashMap<>(settings);
    config.put("transactional.id", transactionalId);
    config.put("linger.ms", 0);
    KafkaProducer<String, String> producer = Clients.producer(config);
    producer.initTransactions();
    return producer;
  }

  private static void send(KafkaProducer<String, String> producer, String topic, int partition, String... values) {
    for (String value : values) producer.send(new ProducerRecord<>(topic, partition, null, value));
    producer.flush();
  }

  /** What there is of `count` records: partition -> "offset value". */
  private static Map<Integer, List<String>> read(String topic, Map<String, Object> settings, int count)
      throws Exception {
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 2, settings)) {
      return reader.read(count).stream()
          .collect(Collectors.groupingBy(
              ConsumerRecord::partition,
              TreeMap::new,
              Collectors.mapping(record -> record.offset() + " " + record.value(), Collectors.toList())));
    }
  }

  static String all() throws Exception {
    String topic = Clients.createTopic("transactions", 2);
    String transactionalId = Features.unique("transactions");
    try (KafkaProducer<String, String> zombie = producer(transactionalId, Map.of())) {
      zombie.beginTransaction();
      send(zombie, topic, 0, "a", "b", "c");
      send(zombie, topic, 1, "d", "e");
      zombie.commitTransaction();
      zombie.beginTransaction();
      send(zombie, topic, 0, "aborted");
      zombie.abortTransaction();
      zombie.beginTransaction();
      send(zombie, topic, 0, "open");
      // Each transaction's end has taken an offset of its own.
      Features.expect(
          read(topic, Map.of(), 7).get(0).subList(3, 5), List.of("4 aborted", "6 open"), "all that is there");

      try (KafkaProducer<String, String> successor = producer(transactionalId, Map.of())) {
        Class<?> refused = Features.refusal(() -> {
          zombie.commitTransaction();
          return null;
        });
        if (refused != ProducerFencedException.class && refused != InvalidProducerEpochException.class) {
          throw new AssertionError("a zombie's end: " + refused);
        }
        successor.beginTransaction();
        send(successor, topic, 0, "last");
        successor.commitTransaction();
      }
    }
    Features.expect(
        read(topic, COMMITTED, 6),
        Map.of(0, List.of("0 a", "1 b", "2 c", "8 last"), 1, List.of("0 d", "1 e")),
        "what was committed");
    return null;
  }

  /** Reads, processes and writes in transactions, every third of which is aborted. */
  static String withOffsets() throws Exception {
    String source = Clients.createTopic("source", 2);
    String target = Clients.createTopic("target", 2);
    for (int partition = 0; partition < 2; partition++) {
      Clients.produce(Map.of(), Clients.numbered(source, partition, IN_EACH));
    }
    Map<String, Object> settings = new HashMap<>(COMMITTED);
    settings.put("max.poll.records", AT_ONCE);
    try (Clients.Reader reader = Clients.Reader.inGroup(source, Features.unique("processor"), settings);
        KafkaProducer<String, String> producer = producer(Features.unique("processor"), Map.of())) {
      Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
      int turns = 0;
      while (done.size() < 2 || done.values().stream().anyMatch(each -> each.offset() < IN_EACH)) {
        ConsumerRecords<String, String> batch = reader.consumer.poll(Duration.ofSeconds(1));
        if (batch.isEmpty()) continue;
        producer.beginTransaction();
        Map<TopicPartition, OffsetAndMetadata> ends = new HashMap<>();
        for (ConsumerRecord<String, String> record : batch) {
          producer.send(new ProducerRecord<>(target, record.partition(), null, record.value() + " processed"));
          ends.put(new TopicPartition(source, record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
        producer.sendOffsetsToTransaction(ends, reader.consumer.groupMetadata());
        if (++turns % 3 > 0) {
          producer.commitTransaction();
          done.putAll(ends);
        } else {
          producer.abortTransaction();
          for (TopicPartition partition : reader.consumer.assignment()) {
            reader.consumer.seek(partition, done.getOrDefault(partition, new OffsetAndMetadata(0)));
          }
        }
        Map<TopicPartition, OffsetAndMetadata> committed = reader.consumer.committed(reader.consumer.assignment());
        committed.values().removeIf(each -> each == null);
        Features.expect(offsets(committed), offsets(done), "what is committed after " + turns + " transactions");
      }
      if (turns < 3) throw new AssertionError("no transaction was aborted");
    }
    List<String> processed = Clients.numbered(source, 0, IN_EACH).stream()
        .map(record -> record.value() + " processed")
        .collect(Collectors.toList());
    try (Clients.Reader reader = Clients.Reader.ofPartitions(target, 2, COMMITTED)) {
      Map<Integer, List<String>> read = reader.read(2 * IN_EACH).stream()
          .collect(Collectors.groupingBy(
              ConsumerRecord::partition, Collectors.mapping(ConsumerRecord::value, Collectors.toList())));
      Features.expect(read, Map.of(0, processed, 1, processed), "what was processed");
    }
    return null;
  }

  private static Map<TopicPartition, Long> offsets(Map<TopicPartition, OffsetAndMetadata> committed) {
    return committed.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, each -> each.getValue().offset()));
  }

  /** Offsets in a transaction are refused to who is no member of the group any more (KIP-447). */
  static String fencedByGeneration() throws Exception {
    String topic = Clients.createTopic("generation", 1);
    String group = Features.unique("generation");
    TopicPartition zero = new TopicPartition(topic, 0);
    Clients.produce(Map.of(), Clients.numbered(topic, 0, 5));
    ConsumerGroupMetadata former;
    try (Clients.Reader reader = Clients.Reader.inGroup(topic, group, Map.of())) {
      reader.read(5);
      former = reader.consumer.groupMetadata();
    }
    try (Clients.Reader reader = Clients.Reader.inGroup(topic, group, Map.of());
        KafkaProducer<String, String> producer = producer(Features.unique("generation"), Map.of())) {
      reader.read(5);
      for (ConsumerGroupMetadata stale : List.of(
          former,
          new ConsumerGroupMetadata(
              group,
              reader.consumer.groupMetadata().generationId() - 1,
              reader.consumer.groupMetadata().memberId(),
              java.util.Optional.empty()))) {
        producer.beginTransaction();
        Class<?> refused = Features.refusal(() -> {
          producer.sendOffsetsToTransaction(Map.of(zero, new OffsetAndMetadata(3)), stale);
          return null;
        });
        Features.expect(
            refused, org.apache.kafka.clients.consumer.CommitFailedException.class, "offsets of " + stale);
        producer.abortTransaction();
      }
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(Map.of(zero, new OffsetAndMetadata(5)), reader.consumer.groupMetadata());
      producer.commitTransaction();
      Features.expect(
          offsets(reader.consumer.committed(java.util.Set.of(zero))), Map.of(zero, 5L), "the member's offsets");
    }
    return null;
  }

  /** What is left open longer than transaction.timeout.ms is aborted, and its producer fenced. */
  static String timeout() throws Exception {
    String topic = Clients.createTopic("timeout", 2);
    try (KafkaProducer<String, String> producer =
        producer(Features.unique("timeout"), Map.of("transaction.timeout.ms", 1000))) {
      producer.beginTransaction();
      send(producer, topic, 0, "open");
      Clients.produce(Map.of(), List.of(new ProducerRecord<>(topic, 0, null, "behind")));
      // Readable only when the transaction before it has ended.
      Features.expect(read(topic, COMMITTED, 1), Map.of(0, List.of("1 behind")), "what is read");
      Class<?> refused = Features.refusal(() -> {
        producer.commitTransaction();
        return null;
      });
      if (refused == null) throw new AssertionError("an overdue transaction was committed");
      return null;
    }
  }
}
