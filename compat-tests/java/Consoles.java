import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupListing;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Calls Kafka's Java clients as a web console does, with what earlier calls have told: the brokers, the topics, the
 * groups.
 *
 * <p>usage: Consoles BOOTSTRAP SETTINGS, the latter as JSON: {"admin": {...}, "consumer": {...}, "page": the beginning
 * of the topics' and groups' names that a console shows on its page}
 *
 * <p>Reads a JSON array of calls per line, makes them side by side, and prints a JSON array per line: for each call
 * {"refusal": null or the exception's name, "message": its words, "told": what the broker told}.
 */
public final class Consoles {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Admin admin;
  private final Map<String, Object> consumerConfig;
  private final String page;
  private volatile Collection<Node> nodes = List.of();
  private volatile Node controller;
  private volatile Collection<String> topics = List.of();
  private volatile Map<String, TopicDescription> descriptions = Map.of();
  private volatile List<String> groups = List.of();

  private Consoles(String bootstrap, JsonNode settings) {
    admin = Admin.create(config(bootstrap, settings.get("admin")));
    consumerConfig = config(bootstrap, settings.get("consumer"));
    page = settings.get("page").asText();
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = System.out;
    Consoles console = new Consoles(args[0], JSON.readTree(args[1]));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      List<CompletableFuture<Map<String, Object>>> calls = new ArrayList<>();
      for (JsonNode call : JSON.readTree(line)) {
        calls.add(CompletableFuture.supplyAsync(() -> console.outcome(call), task -> new Thread(task).start()));
      }
      List<Map<String, Object>> outcomes = new ArrayList<>();
      for (CompletableFuture<Map<String, Object>> call : calls) outcomes.add(call.get());
      out.println(JSON.writeValueAsString(outcomes));
      out.flush();
    }
    console.admin.close();
  }

  private Map<String, Object> outcome(JsonNode call) {
    Map<String, Object> outcome = new LinkedHashMap<>();
    outcome.put("refusal", null);
    try {
      outcome.put("told", make(call));
    } catch (Exception error) {
      Throwable reason = error;
      while (reason instanceof ExecutionException) reason = reason.getCause();
      outcome.put("refusal", reason.getClass().getSimpleName());
      outcome.put("message", String.valueOf(reason.getMessage()));
    }
    return outcome;
  }

  private Object make(JsonNode call) throws Exception {
    switch (call.get("call").asText()) {
      case "describeCluster":
        return describeCluster(call.path("includeAuthorizedOperations").asBoolean());
      case "describeConfigs":
        return describeConfigs(call);
      case "describeFeatures":
        return admin.describeFeatures().featureMetadata().get().finalizedFeatures().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, each -> each.getValue().maxVersionLevel()));
      case "describeMetadataQuorum":
        var quorum = admin.describeMetadataQuorum().quorumInfo().get();
        return Map.of("leader", quorum.leaderId(), "voters", quorum.voters().size());
      case "describeAcls":
        return admin.describeAcls(AclBindingFilter.ANY).values().get().size();
      case "describeLogDirs":
        return describeLogDirs();
      case "describeClientQuotas":
        return admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get().size();
      case "listTopics":
        topics = admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get();
        return new TreeSet<>(topics);
      case "describeTopics":
        descriptions = admin.describeTopics(shown(call, topics)).allTopicNames().get();
        return byName(descriptions, each -> each.partitions().stream()
            .map(partition -> partition.leader() == null ? null : partition.leader().id())
            .collect(Collectors.toList()));
      case "describeProducers":
        return admin.describeProducers(partitions()).all().get().entrySet().stream()
            .collect(Collectors.toMap(each -> each.getKey().toString(), each -> each.getValue().activeProducers().size()));
      case "listOffsets":
        return listOffsets(call.get("at").asText());
      case "listConsumerGroups":
        groups = admin.listConsumerGroups().all().get().stream()
            .map(ConsumerGroupListing::groupId)
            .collect(Collectors.toList());
        return new TreeSet<>(groups);
      case "describeConsumerGroups":
        return byName(admin.describeConsumerGroups(shown(call, groups)).all().get(), Consoles::told);
      case "listConsumerGroupOffsets":
        return listConsumerGroupOffsets(call);
      case "consumer: offsetsForTimes, endOffsets":
        return beginningsAndEnds();
      case "consumer: the last records":
        return lastRecords();
      default:
        throw new IllegalArgumentException("no such call: " + call);
    }
  }

  private Object describeCluster(boolean includeAuthorizedOperations) throws Exception {
    var options = new DescribeClusterOptions().includeAuthorizedOperations(includeAuthorizedOperations);
    var described = admin.describeCluster(options);
    nodes = described.nodes().get();
    controller = described.controller().get();
    var operations = described.authorizedOperations().get();
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("nodes", nodes.stream().map(Node::id).collect(Collectors.toList()));
    told.put("controller", controller.id());
    told.put("clusterId", described.clusterId().get());
    told.put("operations", operations == null ? null : new TreeSet<>(operations.stream().map(Enum::name).collect(Collectors.toList())));
    return told;
  }

  private Object describeConfigs(JsonNode call) throws Exception {
    boolean ofTopics = call.get("of").asText().equals("topics");
    var type = ofTopics ? ConfigResource.Type.TOPIC : ConfigResource.Type.BROKER;
    Collection<String> names = ofTopics ? shown(call, topics) : List.of(controller.idString());
    var options = new DescribeConfigsOptions()
        .includeSynonyms(call.path("includeSynonyms").asBoolean())
        .includeDocumentation(call.path("includeDocumentation").asBoolean());
    List<ConfigResource> resources =
        names.stream().map(name -> new ConfigResource(type, name)).collect(Collectors.toList());
    Map<String, Object> told = new TreeMap<>();
    admin.describeConfigs(resources, options).all().get().forEach((resource, config) -> {
      Map<String, String> values = new TreeMap<>();
      config.entries().forEach(each -> values.put(each.name(), each.value()));
      told.put(resource.name(), values);
    });
    return told;
  }

  private Object describeLogDirs() throws Exception {
    List<Integer> brokers = nodes.stream().map(Node::id).collect(Collectors.toList());
    Map<String, Long> sizes = new TreeMap<>();
    for (var directories : admin.describeLogDirs(brokers).allDescriptions().get().values()) {
      for (var directory : directories.values()) {
        if (directory.error() != null) throw directory.error();
        directory.replicaInfos().forEach((partition, replica) -> sizes.put(partition.toString(), replica.size()));
      }
    }
    return sizes;
  }

  private Object listOffsets(String at) throws Exception {
    OffsetSpec spec = at.equals("latest") ? OffsetSpec.latest() : OffsetSpec.earliest();
    Map<TopicPartition, OffsetSpec> asked = partitions().stream().collect(Collectors.toMap(each -> each, each -> spec));
    Map<String, Long> told = new TreeMap<>();
    admin.listOffsets(asked).all().get().forEach((partition, found) -> told.put(partition.toString(), found.offset()));
    return told;
  }

  private Object listConsumerGroupOffsets(JsonNode call) throws Exception {
    Map<String, Object> told = new TreeMap<>();
    if (call.path("eachByItself").asBoolean()) {
      for (String group : shown(call, groups)) {
        told.put(group, told(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get()));
      }
      return told;
    }
    Map<String, ListConsumerGroupOffsetsSpec> asked = shown(call, groups).stream()
        .collect(Collectors.toMap(each -> each, each -> new ListConsumerGroupOffsetsSpec()));
    admin.listConsumerGroupOffsets(asked).all().get().forEach((group, offsets) -> told.put(group, told(offsets)));
    return told;
  }

  private Object beginningsAndEnds() {
    try (var consumer = consumer()) {
      var begins = consumer.offsetsForTimes(partitions().stream().collect(Collectors.toMap(each -> each, each -> 0L)));
      var ends = consumer.endOffsets(partitions());
      Map<String, Object> told = new TreeMap<>();
      ends.forEach((partition, end) -> {
        var begin = begins.get(partition);
        told.put(partition.toString(), List.of(begin == null ? end : (Long) begin.offset(), end));
      });
      return told;
    }
  }

  /** Goes on until the end is reached; the console itself polls once and shows what has come. */
  private Object lastRecords() {
    try (var consumer = consumer()) {
      consumer.assign(partitions());
      Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
      ends.forEach((partition, end) -> consumer.seek(partition, Math.max(0, end - 2)));
      Map<String, List<String>> told = new TreeMap<>();
      long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (ends.entrySet().stream().anyMatch(each -> consumer.position(each.getKey()) < each.getValue())) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("the ends are not reached: " + ends);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          told.computeIfAbsent(new TopicPartition(record.topic(), record.partition()).toString(), each -> new ArrayList<>())
              .add(new String(record.value(), StandardCharsets.UTF_8));
        }
      }
      return told;
    }
  }

  private KafkaConsumer<byte[], byte[]> consumer() {
    return new KafkaConsumer<>(consumerConfig, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private List<TopicPartition> partitions() {
    return descriptions.values().stream()
        .flatMap(topic -> topic.partitions().stream().map(each -> new TopicPartition(topic.name(), each.partition())))
        .collect(Collectors.toList());
  }

  /** All of them, or those on the page. */
  private List<String> shown(JsonNode call, Collection<String> names) {
    boolean all = !call.path("onPage").asBoolean();
    return names.stream().filter(name -> all || name.startsWith(page)).sorted().collect(Collectors.toList());
  }

  private static Object told(ConsumerGroupDescription described) {
    return Map.of(
        "state", described.state().toString(),
        "members", described.members().stream()
            .map(each -> new TreeSet<>(each.assignment().topicPartitions().stream()
                .map(TopicPartition::toString)
                .collect(Collectors.toList())))
            .collect(Collectors.toList()));
  }

  private static Object told(Map<TopicPartition, OffsetAndMetadata> offsets) {
    Map<String, Long> told = new TreeMap<>();
    offsets.forEach((partition, committed) -> told.put(partition.toString(), committed == null ? null : committed.offset()));
    return told;
  }

  private static <V> Map<String, Object> byName(Map<String, V> values, Function<V, Object> told) {
    Map<String, Object> byName = new TreeMap<>();
    values.forEach((name, value) -> byName.put(name, told.apply(value)));
    return byName;
  }

  private static Map<String, Object> config(String bootstrap, JsonNode settings) {
    Map<String, Object> config = new HashMap<>();
    if (settings != null) settings.fields().forEachRemaining(each -> config.put(each.getKey(), each.getValue().asText()));
    config.put("bootstrap.servers", bootstrap);
    return config;
  }
}
