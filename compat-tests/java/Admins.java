import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.GroupSubscribedToTopicException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The admin client. */
final class Admins {
  private Admins() {}

  static String topics() throws Exception {
    Admin admin = Clients.admin();
    String topic = Features.unique("admin");
    NewTopic wanted =
        new NewTopic(topic, Optional.of(2), Optional.empty()).configs(Map.of("retention.ms", "123456"));
    admin.createTopics(List.of(wanted), new CreateTopicsOptions().validateOnly(true)).all().get();
    Features.expect(admin.listTopics().names().get().contains(topic), false, "exists after validation only");
    var created = admin.createTopics(List.of(wanted));
    Features.expect(created.numPartitions(topic).get(), 2, "partitions told");
    Features.expect(created.config(topic).get().get("retention.ms").value(), "123456", "config told");
    Features.expect(admin.listTopics().names().get().contains(topic), true, "exists");
    Features.expect(
        Features.refusal(() -> done(admin.createTopics(List.of(wanted)).all().get())),
        TopicExistsException.class,
        "created again");

    admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
    Features.expect(
        Features.refusal(() -> done(admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get())),
        InvalidPartitionsException.class,
        "fewer partitions");
    TopicDescription described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    Features.expect(
        described.partitions().stream().map(each -> each.partition()).collect(Collectors.toList()),
        List.of(0, 1, 2, 3, 4),
        "partitions");
    Features.expect(described.topicId(), created.topicId(topic).get(), "topic id");

    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    ConfigEntry retention = config.get("retention.ms");
    Features.expect(retention.value() + " " + retention.source(), "123456 DYNAMIC_TOPIC_CONFIG", "set config");
    ConfigEntry cleanup = config.get("cleanup.policy");
    Features.expect(cleanup.value() + " " + cleanup.source(), "delete DEFAULT_CONFIG", "default config");

    Clients.produce(Map.of(), Clients.numbered(topic, 3, 10));
    TopicPartition three = new TopicPartition(topic, 3);
    var deleted = admin.deleteRecords(Map.of(three, RecordsToDelete.beforeOffset(6)));
    Features.expect(deleted.lowWatermarks().get(three).get().lowWatermark(), 6L, "low watermark");
    try (Clients.Reader reader = Clients.Reader.ofPartitions(topic, 5)) {
      Features.expect(reader.offsets(4), List.of(6L, 7L, 8L, 9L), "what is left");
    }

    var cluster = admin.describeCluster();
    Features.expect(cluster.nodes().get().size(), 1, "nodes");
    Features.expect(cluster.controller().get(), cluster.nodes().get().iterator().next(), "controller");
    Features.expect(cluster.clusterId().get().length(), 22, "length of the cluster id");

    admin.deleteTopics(List.of(topic)).all().get();
    Features.until("the topic is gone", () -> !admin.listTopics().names().get().contains(topic));
    Features.expect(
        Features.refusal(() -> done(admin.deleteTopics(List.of(topic)).all().get())),
        UnknownTopicOrPartitionException.class,
        "deleted again");
    return null;
  }

  static String groups() throws Exception {
    Admin admin = Clients.admin();
    String topic = Clients.createTopic("admin-groups", 2);
    String group = Features.unique("admin-groups");
    TopicPartition zero = new TopicPartition(topic, 0);
    Clients.produce(Map.of(), Clients.numbered(topic, 0, 5));
    Clients.Reader reader = Clients.Reader.inGroup(topic, group, Map.of("client.id", "the reader"));
    reader.read(5);
    reader.consumer.commitSync();

    GroupListing listed = admin.listGroups().all().get().stream()
        .filter(each -> each.groupId().equals(group))
        .findFirst()
        .orElseThrow();
    Features.expect(
        listed.protocol() + " " + listed.groupState().orElseThrow() + " " + listed.type().orElseThrow(),
        "consumer Stable Classic",
        "listed");
    ConsumerGroupDescription described =
        admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
    var member = described.members().iterator().next();
    Features.expect(member.clientId() + " " + member.host(), "the reader /127.0.0.1", "member");
    Features.expect(
        member.assignment().topicPartitions(), Set.of(zero, new TopicPartition(topic, 1)), "assignment");
    Features.expect(
        Features.refusal(() -> done(admin.deleteConsumerGroups(List.of(group)).all().get())),
        GroupNotEmptyException.class,
        "deleted while in use");

    Features.expect(committed(group, zero), 5L, "committed");
    Map<TopicPartition, OffsetAndMetadata> two = Map.of(zero, new OffsetAndMetadata(2, "by hand"));
    Features.expect(
        Features.refusal(() -> done(admin.alterConsumerGroupOffsets(group, two).all().get())),
        UnknownMemberIdException.class,
        "altered while in use");
    Features.expect(
        Features.refusal(() -> done(admin.deleteConsumerGroupOffsets(group, Set.of(zero)).all().get())),
        GroupSubscribedToTopicException.class,
        "offsets deleted while in use");
    reader.close();

    admin.alterConsumerGroupOffsets(group, two).all().get();
    Features.expect(committed(group, zero), 2L, "committed by hand");
    try (Clients.Reader again = Clients.Reader.inGroup(topic, group, Map.of())) {
      Features.expect(again.offsets(3), List.of(2L, 3L, 4L), "read from there");
    }
    admin.deleteConsumerGroupOffsets(group, Set.of(zero)).all().get();
    Features.expect(committed(group, zero), null, "committed after the offsets are deleted");
    admin.alterConsumerGroupOffsets(group, two).all().get();
    admin.deleteConsumerGroups(List.of(group)).all().get();
    Features.expect(
        Features.refusal(() -> done(admin.deleteConsumerGroups(List.of(group)).all().get())),
        GroupIdNotFoundException.class,
        "deleted again");
    return null;
  }

  private static Long committed(String group, TopicPartition partition) throws Exception {
    OffsetAndMetadata found =
        Clients.admin().listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition);
    return found == null ? null : found.offset();
  }

  private static String done(Void nothing) {
    return null;
  }
}
