import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialDeletion;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.ResourceNotFoundException;
import org.apache.kafka.common.errors.SecurityDisabledException;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.quota.ClientQuotaFilterComponent;

/** What the admin client does beyond topics and groups. */
final class Clusters {
  private Clusters() {}

  static String configs() throws Exception {
    String topic = Clients.createTopic("configs", 1);
    alter(topic, "retention.ms", "123456", OpType.SET);
    becomes(topic, "retention.ms", "123456 DYNAMIC_TOPIC_CONFIG");
    alter(topic, "cleanup.policy", "compact", OpType.APPEND);
    becomes(topic, "cleanup.policy", "delete,compact DYNAMIC_TOPIC_CONFIG");
    alter(topic, "cleanup.policy", "delete", OpType.SUBTRACT);
    becomes(topic, "cleanup.policy", "compact DYNAMIC_TOPIC_CONFIG");
    alter(topic, "cleanup.policy", null, OpType.DELETE);
    becomes(topic, "cleanup.policy", "delete DEFAULT_CONFIG");
    Features.expect(
        Features.refusal(() -> alter(topic, "retention.ms", "long", OpType.SET)),
        InvalidConfigurationException.class,
        "a wrong value");
    Collection<ConfigResource> listed =
        Clients.admin()
            .listConfigResources(Set.of(ConfigResource.Type.TOPIC), new ListConfigResourcesOptions())
            .all()
            .get();
    Features.expect(
        listed.contains(new ConfigResource(ConfigResource.Type.TOPIC, topic)), true, "listed among those with configs");
    return null;
  }

  private static String alter(String topic, String name, String value, OpType operation) throws Exception {
    AlterConfigOp change = new AlterConfigOp(new ConfigEntry(name, value), operation);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    Clients.admin().incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
    return null;
  }

  private static void becomes(String topic, String name, String value) throws Exception {
    Features.until(name + " is " + value, () -> config(topic, name).equals(value));
  }

  private static String config(String topic, String name) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    ConfigEntry entry = Clients.admin().describeConfigs(List.of(resource)).all().get().get(resource).get(name);
    return entry.value() + " " + entry.source();
  }

  static String cluster() throws Exception {
    Admin admin = Clients.admin();
    String topic = Clients.createTopic("cluster", 1);
    TopicPartition partition = new TopicPartition(topic, 0);
    Clients.produce(Map.of("enable.idempotence", true), Clients.numbered(topic, 0, 10));
    int broker = admin.describeCluster().controller().get().id();
    long size =
        admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker).values().stream()
            .filter(directory -> directory.replicaInfos().containsKey(partition))
            .mapToLong(directory -> directory.replicaInfos().get(partition).size())
            .sum();
    Features.expect(size > 0, true, "size on disk");
    Optional<Throwable> election =
        admin.electLeaders(ElectionType.PREFERRED, Set.of(partition)).partitions().get().get(partition);
    Features.expect(election.get().getClass(), ElectionNotNeededException.class, "election of the leader");
    Features.expect(
        admin.listPartitionReassignments(Set.of(partition)).reassignments().get(), Map.of(), "reassignments");
    List<ProducerState> producers =
        admin.describeProducers(List.of(partition)).all().get().get(partition).activeProducers();
    Features.expect(producers.stream().map(ProducerState::lastSequence).toList(), List.of(9), "last sequences");
    Features.expect(admin.describeMetadataQuorum().quorumInfo().get().leaderId(), broker, "the quorum's leader");
    Features.expect(
        admin.describeFeatures().featureMetadata().get().finalizedFeatures().containsKey("metadata.version"),
        true,
        "features");
    Features.expect(
        Features.refusal(() -> String.valueOf(admin.describeAcls(AclBindingFilter.ANY).values().get())),
        SecurityDisabledException.class,
        "ACLs without an authorizer");
    quotas();
    credentials();
    return null;
  }

  private static void quotas() throws Exception {
    Admin admin = Clients.admin();
    String user = Features.unique("user");
    ClientQuotaEntity entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, user));
    ClientQuotaFilter filter =
        ClientQuotaFilter.containsOnly(
            List.of(ClientQuotaFilterComponent.ofEntity(ClientQuotaEntity.USER, user)));
    alterQuota(entity, 1e6);
    Features.until("the quota is there", () -> !admin.describeClientQuotas(filter).entities().get().isEmpty());
    Features.expect(
        admin.describeClientQuotas(filter).entities().get(),
        Map.of(entity, Map.of("producer_byte_rate", 1e6)),
        "quota");
    alterQuota(entity, null);
    Features.until("the quota is gone", () -> admin.describeClientQuotas(filter).entities().get().isEmpty());
  }

  private static void alterQuota(ClientQuotaEntity entity, Double value) throws Exception {
    var change = new ClientQuotaAlteration.Op("producer_byte_rate", value);
    Clients.admin().alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(change)))).all().get();
  }

  private static void credentials() throws Exception {
    Admin admin = Clients.admin();
    String user = Features.unique("user");
    ScramCredentialInfo info = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
    admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(user, info, "secret"))).all().get();
    Features.Feature described =
        () -> admin.describeUserScramCredentials(List.of(user)).description(user).get().credentialInfos().toString();
    Features.until("the user is there", () -> Features.refusal(described) == null);
    Features.expect(described.show(), List.of(info).toString(), "credentials");
    admin
        .alterUserScramCredentials(List.of(new UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)))
        .all()
        .get();
    Features.until("the user is gone", () -> Features.refusal(described) == ResourceNotFoundException.class);
  }
}
