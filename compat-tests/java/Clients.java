import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** The clients as these tests use them. */
final class Clients {
  private Clients() {}

  /** One for all features: it is safe to be shared, and its threads are not free. */
  private static final class Shared {
    static final Admin ADMIN = Admin.create(config(Map.of()));
  }

  static Admin admin() {
    return Shared.ADMIN;
  }

  static String createTopic(String name, int partitions) throws Exception {
    String topic = Features.unique(name);
    admin().createTopics(List.of(new NewTopic(topic, Optional.of(partitions), Optional.empty()))).all().get();
    return topic;
  }

  static KafkaProducer<String, String> producer(Map<String, Object> settings) {
    Map<String, Object> config = config(Map.of("linger.ms", 5, "max.block.ms", 20_000));
    config.putAll(settings);
    return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
  }

  /** Sends in order and waits for all answers. */
  static List<RecordMetadata> produce(Map<String, Object> settings, List<ProducerRecord<String, String>> records)
      throws Exception {
    try (KafkaProducer<String, String> producer = producer(settings)) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (ProducerRecord<String, String> record : records) sent.add(producer.send(record));
      producer.flush();
      List<RecordMetadata> answers = new ArrayList<>();
      for (Future<RecordMetadata> each : sent) answers.add(each.get(20, TimeUnit.SECONDS));
      return answers;
    }
  }

  static List<ProducerRecord<String, String>> numbered(String topic, int partition, int count) {
    return IntStream.range(0, count)
        .mapToObj(index -> new ProducerRecord<String, String>(topic, partition, null, "message " + index))
        .collect(Collectors.toList());
  }

  private static Map<String, Object> config(Map<String, Object> settings) {
    Map<String, Object> config = new HashMap<>(settings);
    config.put("bootstrap.servers", Features.bootstrap);
    config.put("reconnect.backoff.ms", 20);
    config.put("retry.backoff.ms", 20);
    return config;
  }

  /** A consumer that remembers what it was given and how it was assigned. */
  static final class Reader implements AutoCloseable {
    final KafkaConsumer<String, String> consumer;
    final String topic;
    final List<ConsumerRecord<String, String>> records = new ArrayList<>();
    /** `assigned [0, 1]`, `revoked [1]`, `lost [0]`; what moves nothing is left out. */
    final List<String> rebalances = new ArrayList<>();

    private Reader(String topic, Map<String, Object> settings) {
      this.topic = topic;
      Map<String, Object> config = config(Map.of(
          "auto.offset.reset", "earliest",
          "enable.auto.commit", false,
          "session.timeout.ms", 6000,
          "heartbeat.interval.ms", 100,
          "fetch.max.wait.ms", 50,
          "max.poll.interval.ms", 10_000));
      config.putAll(settings);
      consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    /** A reader of partitions 0 to `partitions` - 1 from their start, without a group. */
    static Reader ofPartitions(String topic, int partitions) {
      return ofPartitions(topic, partitions, Map.of());
    }

    static Reader ofPartitions(String topic, int partitions, Map<String, Object> settings) {
      Reader reader = new Reader(topic, settings);
      List<TopicPartition> all = IntStream.range(0, partitions)
          .mapToObj(partition -> new TopicPartition(topic, partition))
          .collect(Collectors.toList());
      reader.consumer.assign(all);
      reader.consumer.seekToBeginning(all);
      return reader;
    }

    static Reader inGroup(String topic, String group, Map<String, Object> settings) {
      Map<String, Object> config = new HashMap<>(settings);
      config.put("group.id", group);
      Reader reader = new Reader(topic, config);
      reader.consumer.subscribe(List.of(topic), reader.new Listener());
      return reader;
    }

    void poll() {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(20))) records.add(record);
    }

    /** Waits until `count` records have come in all. */
    List<ConsumerRecord<String, String>> read(int count) throws Exception {
      Features.until(count + " records of " + topic + " are read", () -> {
        if (records.size() < count) poll();
        return records.size() >= count;
      });
      return records;
    }

    List<String> values(int count) throws Exception {
      return read(count).stream().map(ConsumerRecord::value).collect(Collectors.toList());
    }

    List<Long> offsets(int count) throws Exception {
      return read(count).stream().map(ConsumerRecord::offset).collect(Collectors.toList());
    }

    SortedSet<Integer> held() {
      return consumer.assignment().stream()
          .map(TopicPartition::partition)
          .collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public void close() {
      consumer.close();
    }

    private final class Listener implements ConsumerRebalanceListener {
      @Override
      public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        note("assigned ", partitions);
      }

      @Override
      public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        note("revoked ", partitions);
      }

      @Override
      public void onPartitionsLost(Collection<TopicPartition> partitions) {
        note("lost ", partitions);
      }

      private void note(String what, Collection<TopicPartition> partitions) {
        if (partitions.isEmpty()) return;
        rebalances.add(what + partitions.stream().map(TopicPartition::partition).sorted().collect(Collectors.toList()));
      }
    }
  }
}
