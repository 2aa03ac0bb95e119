import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/** What a producer sends is what a consumer gets, from where it asks. */
final class Records {
  private Records() {}

  static String codec(String name) throws Exception {
    String topic = Clients.createTopic(name, 1);
    List<String> values =
        IntStream.range(0, 50).mapToObj(index -> (index + " ").repeat(200)).collect(Collectors.toList());
    Clients.produce(
        Map.of("compression.type", name),
        values.stream().map(value -> new ProducerRecord<String, String>(topic, value)).collect(Collectors.toList()));
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 1)) {
      Features.expect(reader.values(50), values, "values");
    }
    return topic;
  }

  static String headers() throws Exception {
    String topic = Clients.createTopic("headers", 1);
    ProducerRecord<String, String> with = new ProducerRecord<>(topic, "with");
    with.headers()
        .add("plain", "text".getBytes(StandardCharsets.UTF_8))
        .add("empty", new byte[0])
        .add("none", null)
        .add("binary", new byte[] {0, -1, -128})
        .add("plain", "again".getBytes(StandardCharsets.UTF_8));
    Clients.produce(Map.of(), List.of(with, new ProducerRecord<>(topic, "without")));
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 1)) {
      List<String> read = new ArrayList<>();
      for (Header header : reader.read(2).get(0).headers()) {
        read.add(header.key() + "=" + Arrays.toString(header.value()));
      }
      Features.expect(
          read,
          List.of(
              "plain=[116, 101, 120, 116]",
              "empty=[]",
              "none=null",
              "binary=[0, -1, -128]",
              "plain=[97, 103, 97, 105, 110]"),
          "headers");
      Features.expect(reader.records.get(1).headers().toArray().length, 0, "headers of a record without");
    }
    return null;
  }

  static String keys() throws Exception {
    String topic = Clients.createTopic("keys", 4);
    List<ProducerRecord<String, String>> records = new ArrayList<>();
    for (String turn : List.of(" first", " second")) {
      for (int index = 0; index < 20; index++) {
        records.add(new ProducerRecord<>(topic, "key " + index, "key " + index + turn));
      }
    }
    records.add(new ProducerRecord<>(topic, null, "no key"));
    records.add(new ProducerRecord<>(topic, "", "empty key"));
    Clients.produce(Map.of(), records);
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 4)) {
      List<ConsumerRecord<String, String>> read = reader.read(42);
      TreeSet<Integer> used = new TreeSet<>();
      for (int index = 0; index < 20; index++) {
        String key = "key " + index;
        List<ConsumerRecord<String, String>> found =
            read.stream().filter(record -> key.equals(record.key())).collect(Collectors.toList());
        Features.expect(
            found.stream().map(ConsumerRecord::value).collect(Collectors.toList()),
            List.of(key + " first", key + " second"),
            "values of a key");
        Features.expect(found.get(0).partition(), found.get(1).partition(), "partitions of a key");
        used.add(found.get(0).partition());
      }
      Features.expect(used, List.of(0, 1, 2, 3), "partitions used");
      for (ConsumerRecord<String, String> record : read) {
        if (record.value().equals("no key")) Features.expect(record.key(), null, "no key");
        if (record.value().equals("empty key")) Features.expect(record.key(), "", "empty key");
      }
    }
    return null;
  }

  static String nullValues() throws Exception {
    String topic = Clients.createTopic("nulls", 1);
    Clients.produce(
        Map.of(), List.of(new ProducerRecord<>(topic, "a", null), new ProducerRecord<>(topic, "a", "")));
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 1)) {
      Features.expect(reader.values(2), Arrays.asList(null, ""), "values");
    }
    return null;
  }

  static String acks() throws Exception {
    String topic = Clients.createTopic("acks", 1);
    List<Long> offsets = new ArrayList<>();
    for (String acks : List.of("all", "1", "0")) {
      List<RecordMetadata> answers = Clients.produce(
          Map.of("acks", acks, "enable.idempotence", false), List.of(new ProducerRecord<>(topic, "acks " + acks)));
      offsets.add(answers.get(0).offset());
    }
    // With acks=0 nobody says where the record went.
    Features.expect(offsets, List.of(0L, 1L, -1L), "offsets told");
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 1)) {
      Features.expect(reader.values(3), List.of("acks all", "acks 1", "acks 0"), "values");
    }
    return null;
  }

  static String seeks() throws Exception {
    String topic = Clients.createTopic("seeks", 1);
    TopicPartition zero = new TopicPartition(topic, 0);
    Clients.produce(Map.of(), Clients.numbered(topic, 0, 10));
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 1)) {
      reader.consumer.seek(zero, 7);
      Features.expect(reader.offsets(3), List.of(7L, 8L, 9L), "from a given offset");
      reader.records.clear();
      reader.consumer.seek(zero, 2);
      Features.expect(reader.offsets(8).subList(0, 3), List.of(2L, 3L, 4L), "after a seek back");
      reader.records.clear();
      // Beyond the end, auto.offset.reset decides.
      reader.consumer.seek(zero, 1000);
      Features.expect(reader.offsets(10).subList(0, 2), List.of(0L, 1L), "after a seek beyond the end");

      reader.records.clear();
      reader.consumer.seekToEnd(List.of(zero));
      Features.expect(reader.consumer.position(zero), 10L, "position at the end");
      reader.consumer.pause(List.of(zero));
      Clients.produce(Map.of(), List.of(new ProducerRecord<>(topic, "news")));
      for (int turn = 0; turn < 5; turn++) reader.poll();
      Features.expect(reader.records.size(), 0, "records read while paused");
      reader.consumer.resume(List.of(zero));
      Features.expect(reader.values(1), List.of("news"), "from the end");
      Features.expect(reader.consumer.beginningOffsets(List.of(zero)), Map.of(zero, 0L), "beginning");
      Features.expect(reader.consumer.endOffsets(List.of(zero)), Map.of(zero, 11L), "end");
    }
    return null;
  }

  static String offsetsByTime() throws Exception {
    String topic = Clients.createTopic("time", 2);
    long startMs = System.currentTimeMillis() - 600_000;
    TopicPartition zero = new TopicPartition(topic, 0);
    TopicPartition one = new TopicPartition(topic, 1);
    Clients.produce(
        Map.of(),
        List.of(
            new ProducerRecord<>(topic, 0, startMs + 10_000, null, "a"),
            new ProducerRecord<>(topic, 0, startMs + 30_000, null, "b"),
            new ProducerRecord<>(topic, 0, startMs + 20_000, null, "c"),
            new ProducerRecord<>(topic, 1, startMs + 25_000, null, "d")));
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 2)) {
      Map<Long, List<Long>> expected = Map.of(5_000L, List.of(0L, 0L), 15_000L, List.of(1L, 0L), 26_000L, List.of(1L, -1L));
      for (Map.Entry<Long, List<Long>> each : expected.entrySet()) {
        long timestamp = startMs + each.getKey();
        Map<TopicPartition, OffsetAndTimestamp> found =
            reader.consumer.offsetsForTimes(Map.of(zero, timestamp, one, timestamp));
        List<Long> offsets = new ArrayList<>();
        for (TopicPartition partition : List.of(zero, one)) {
          OffsetAndTimestamp at = found.get(partition);
          offsets.add(at == null ? -1L : at.offset());
        }
        Features.expect(offsets, each.getValue(), "offsets at " + each.getKey());
      }
    }
    for (OffsetSpec spec : List.of(OffsetSpec.maxTimestamp(), OffsetSpec.forTimestamp(startMs + 21_000))) {
      var found = Clients.admin().listOffsets(Map.of(zero, spec)).partitionResult(zero).get();
      Features.expect(found.offset(), 1L, "offset of " + spec);
      Features.expect(found.timestamp(), startMs + 30_000, "timestamp of " + spec);
    }
    return null;
  }

  static String idempotence() throws Exception {
    String topic = Clients.createTopic("idempotence", 1);
    List<String> sent = new ArrayList<>();
    try (KafkaProducer<String, String> producer =
        Clients.producer(Map.of("enable.idempotence", true, "acks", "all", "linger.ms", 0, "batch.size", 200))) {
      for (int index = 0; index < 100; index++) {
        sent.add("message " + index);
        producer.send(new ProducerRecord<>(topic, "message " + index));
      }
    }
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 1)) {
      Features.expect(reader.values(100), sent, "values");
    }
    return topic;
  }
}
