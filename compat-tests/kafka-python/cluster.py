"""What kafka-python's admin client does beyond topics and groups."""

from client import admin, create_topic, messages, produce
from kafka import TopicPartition, errors
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    AlterConfigOp,
    ConfigResource,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from python_harness import expect, numbered, refusal, unique, until


def admin_configs():
    client = admin()
    topic = create_topic("configs")

    def config(name):
        described = client.describe_configs([ConfigResource("topic", topic)], config_filter="all")
        found = described["topic"][topic][name]
        return found["value"], found["config_source"]

    def becomes(name, *value):
        until(f"{name} is {value}", lambda: config(name) == value)

    alter = lambda configs, **options: client.alter_configs([ConfigResource("topic", topic, configs)], **options)
    alter({"retention.ms": "123456"})
    becomes("retention.ms", "123456", "DYNAMIC_TOPIC_CONFIG")
    alter({"cleanup.policy": (AlterConfigOp.APPEND, "compact")})
    becomes("cleanup.policy", "delete,compact", "DYNAMIC_TOPIC_CONFIG")
    client.reset_configs([ConfigResource("topic", topic, ["cleanup.policy"])])
    becomes("cleanup.policy", "delete", "DEFAULT_CONFIG")
    answer = alter({"retention.ms": "long"})
    expect("InvalidConfig" in str(answer), True, f"a wrong value: {answer}")
    # The older way replaces all that there was; kafka-python sends along what was there.
    alter({"segment.ms": "654321"}, incremental=False)
    becomes("segment.ms", "654321", "DYNAMIC_TOPIC_CONFIG")
    becomes("retention.ms", "123456", "DYNAMIC_TOPIC_CONFIG")
    expect(topic in client.list_config_resources(["TOPIC"])["topic"], True, "topics with configs")


def admin_cluster():
    client = admin()
    topic = create_topic("cluster")
    partition = TopicPartition(topic, 0)
    produce(topic, messages(numbered(10)), enable_idempotence=True)
    described = client.describe_topic_partitions([topic])["topics"][0]
    expect([each["partition_index"] for each in described["partitions"]], [0], "partitions")
    directories = [each for broker in client.describe_log_dirs([topic]) for each in broker["log_dirs"]]
    sizes = [
        part["partition_size"] for each in directories for told in each["topics"] for part in told["partitions"]
    ]
    expect(sum(sizes) > 0, True, "size on disk")
    elected = client.elect_leaders(0, {topic: [0]}).replica_election_results[0].partition_result[0]
    expect(errors.for_code(elected.error_code), errors.ElectionNotNeededError, "election of the leader")
    expect(client.list_partition_reassignments([partition]), {}, "reassignments")
    producers = client.describe_producers([partition])[partition].active_producers
    expect([producer.last_sequence for producer in producers], [9], "last sequences of producers")
    quorum = client.describe_metadata_quorum()
    leader = quorum["topics"][0]["partitions"][0]["leader_id"]
    expect(leader, client.describe_cluster()["controller_id"], "the quorum's leader")
    pattern = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    acls = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)
    refused = refusal(lambda: client.describe_acls(acls))
    expect(type(refused), errors.SecurityDisabledError, "ACLs without an authorizer")
    credentials(client)


def credentials(client):
    user = unique("user")
    upsertion = UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_256, "secret", iterations=4096)
    expect(client.alter_user_scram_credentials([upsertion]), {user: None}, "user added")
    described = lambda: client.describe_user_scram_credentials([user])[user]
    until("the user is there", lambda: described()["error"] is None)
    found = [(each["mechanism"], each["iterations"]) for each in described()["credential_infos"]]
    expect(found, [(ScramMechanism.SCRAM_SHA_256, 4096)], "credentials")
    deletion = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)
    expect(client.alter_user_scram_credentials([deletion]), {user: None}, "user deleted")
    until("the user is gone", lambda: described()["error"] is not None)
