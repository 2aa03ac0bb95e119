"""
confluent-kafka (librdkafka), feature by feature.

usage: features.py BOOTSTRAP FEATURE...

Runs every named feature, all side by side, and prints a JSON object per line for each when it has ended:
{"feature": ..., "error": null or the reason} and, where something was stored, {"topic": ...} to look at.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    ConsumerGroupTopicPartitions,
    ElectionType,
    KafkaError,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
    libversion,
    version,
)
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)
from client import (
    DEADLINE_S,
    Reader,
    admin,
    bootstrap,
    client_config,
    create_topic,
    expect,
    numbered,
    produce,
    results,
    settle,
    shared,
    text,
    unique,
    until,
)
from transactions import offsets_in_transactions, transactions


def codec(name):
    def show():
        topic = create_topic(name)
        values = [f"{index} " * 200 for index in range(50)]
        messages = [{"value": value, "partition": 0} for value in values]
        produce(topic, messages, compression_type=name)
        reader = Reader(topic).assign((0, OFFSET_BEGINNING))
        expect(reader.values(50), values, "values")
        reader.close()
        return {"topic": topic}

    return show


def headers():
    topic = create_topic("headers")
    sent = [("plain", b"text"), ("empty", b""), ("none", None), ("binary", b"\x00\xff\x80"), ("plain", b"again")]
    produce(topic, [{"value": "with", "headers": sent}, {"value": "without"}])
    reader = Reader(topic).assign((0, OFFSET_BEGINNING))
    expect([message.headers() for message in reader.read(2)], [sent, None], "headers")
    reader.close()


def keys():
    topic = create_topic("keys", 4)
    names = [f"key {index}" for index in range(20)]
    produce(topic, [{"key": name, "value": f"{name} {turn}"} for turn in (1, 2) for name in names])
    produce(topic, [{"value": "no key"}, {"key": b"", "value": "empty key"}])
    reader = Reader(topic).assign(*((number, OFFSET_BEGINNING) for number in range(4)))
    read = reader.read(42)
    for name in names:
        found = [message for message in read if text(message.key()) == name]
        expect([text(message.value()) for message in found], [f"{name} 1", f"{name} 2"], "values of a key")
        expect(found[0].partition(), found[1].partition(), "partitions of a key")
    expect({message.partition() for message in read}, {0, 1, 2, 3}, "partitions used")
    by_value = {text(message.value()): message.key() for message in read}
    expect((by_value["no key"], by_value["empty key"]), (None, b""), "keys that say nothing")
    reader.close()


def null_values():
    topic = create_topic("nulls")
    produce(topic, [{"key": "a", "value": None}, {"key": "a", "value": b""}])
    reader = Reader(topic).assign((0, OFFSET_BEGINNING))
    expect([message.value() for message in reader.read(2)], [None, b""], "values")
    reader.close()


def acks():
    topic = create_topic("acks")
    offsets = []
    for wanted in ("all", "1", "0"):
        told = produce(topic, [{"value": f"acks {wanted}"}], acks=wanted)
        offsets.append(told[0].offset())
    # With acks=0 nobody says where the message went.
    expect(offsets, [0, 1, None], "offsets told")
    reader = Reader(topic).assign((0, OFFSET_BEGINNING))
    expect(reader.values(3), ["acks all", "acks 1", "acks 0"], "values")
    reader.close()


def rebalances():
    for strategy in ("range", "roundrobin"):
        topic = create_topic("rebalance", 4)
        group = unique("rebalance")
        one = Reader(topic, group, partition_assignment_strategy=strategy).subscribe()
        settle("one has all", [one], lambda one=one: one.assigned() == [0, 1, 2, 3])
        two = Reader(topic, group, partition_assignment_strategy=strategy).subscribe()
        settle("both share", [one, two], lambda pair=(one, two): shared(pair, 4))
        expect(sorted([one.assigned(), two.assigned()]), SHARES[strategy], f"shares by {strategy}")
        expect(one.events[:2], [("assign", [0, 1, 2, 3]), ("revoke", [0, 1, 2, 3])], "eager: all is given up")
        described = results(admin().describe_consumer_groups([group]))[group]
        expect((described.state.name, described.partition_assignor), ("STABLE", strategy), "description")
        one.close()
        settle("the other has all", [two], lambda two=two: two.assigned() == [0, 1, 2, 3])
        two.close()


SHARES = {"range": [[0, 1], [2, 3]], "roundrobin": [[0, 2], [1, 3]]}


def cooperative():
    topic = create_topic("cooperative", 4)
    group = unique("cooperative")
    settings = {"partition_assignment_strategy": "cooperative-sticky"}
    one = Reader(topic, group, **settings).subscribe()
    settle("one has all", [one], lambda: one.assigned() == [0, 1, 2, 3])
    two = Reader(topic, group, **settings).subscribe()
    settle("both share", [one, two], lambda: shared((one, two), 4) and len(one.assigned()) == 2)
    revoked = [parts for kind, parts in one.events if kind == "revoke" and parts]
    expect(revoked, [two.assigned()], "only what moves is given up")
    described = results(admin().describe_consumer_groups([group]))[group]
    expect(described.partition_assignor, "cooperative-sticky", "assignor")
    two.close()
    settle("one has all again", [one], lambda: one.assigned() == [0, 1, 2, 3])
    one.close()


def static_members():
    topic = create_topic("static", 4)
    group = unique("static")
    member = lambda name: Reader(topic, group, group_instance_id=name).subscribe()
    one, two = member("one"), member("two")
    settle("both share", [one, two], lambda: shared((one, two), 4))
    held = one.assigned()
    described = results(admin().describe_consumer_groups([group]))[group]
    instances = {each.group_instance_id: each.member_id for each in described.members}
    expect(sorted(instances), ["one", "two"], "instances")

    # A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
    events = list(two.events)
    one.close()
    again = member("one")
    settle("it has its partitions again", [again, two], lambda: again.assigned() == held)
    expect(two.events, events, "rebalances of the other")
    described = results(admin().describe_consumer_groups([group]))[group]
    now = {each.group_instance_id: each.member_id for each in described.members}
    expect(now["two"], instances["two"], "member id of the other")
    if now["one"] == instances["one"]:
        raise AssertionError("the returning member kept its old member id")

    # A second one of the same name fences the first.
    usurper = member("one")

    def fenced():
        usurper.poll(0.02)
        two.poll(0.02)
        try:
            again.poll(0.02)
        except KafkaException as error:
            return error.args[0]
        return None

    # The code says that it is fatal, and only the text says what it is.
    error = until("the first is fenced", fenced)
    expect((error.code(), "Static consumer fenced" in error.str()), (KafkaError._FATAL, True), "error")
    settle("the second has its place", [usurper, two], lambda: usurper.assigned() == held)
    for reader in (again, usurper, two):
        reader.close()


def crash_and_resume():
    topic = create_topic("crash")
    group = unique("crash")
    produce(topic, numbered(20))
    worker = subprocess.Popen(
        [sys.executable, __file__, bootstrap, "--worker", topic, group],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in worker.stdout:
        if line == "holding 10\n":
            break
    worker.send_signal(signal.SIGKILL)
    expect(worker.wait(), -signal.SIGKILL, "the worker's end")

    reader = Reader(topic, group).subscribe()
    offsets = [message.offset() for message in reader.read(12)]
    expect(offsets, list(range(8, 20)), "what the successor reads")
    reader.close()


def crash_worker(topic, group):
    """Commits after every fourth message, and holds the one at offset 10 until it is killed."""
    threading.Thread(target=lambda: sys.stdin.read() or os._exit(1), daemon=True).start()  # never without a parent
    reader = Reader(topic, group).subscribe()
    while True:
        message = reader.poll()
        if message is None:
            continue
        if message.offset() == 10:
            print("holding 10", flush=True)
            signal.pause()
        if (message.offset() + 1) % 4 == 0:
            reader.consumer.commit(message=message, asynchronous=False)


def seeks():
    topic = create_topic("seeks")
    produce(topic, numbered(10))
    reader = Reader(topic).assign((0, 7))
    expect(reader.values(3), ["message 7", "message 8", "message 9"], "from a given offset")
    reader.consumer.seek(TopicPartition(topic, 0, 2))
    expect(reader.values(5)[3:], ["message 2", "message 3"], "after a seek back")
    # Beyond the end, auto.offset.reset decides.
    reader.messages.clear()
    reader.consumer.seek(TopicPartition(topic, 0, 1000))
    expect(reader.values(1), ["message 0"], "after a seek beyond the end")
    reader.consumer.seek(TopicPartition(topic, 0, OFFSET_END))
    reader.consumer.pause([TopicPartition(topic, 0)])
    reader.consumer.resume([TopicPartition(topic, 0)])
    expect(reader.consumer.get_watermark_offsets(TopicPartition(topic, 0)), (0, 10), "watermarks")
    reader.close()

    latest = Reader(topic, auto_offset_reset="latest", enable_partition_eof=True).assign((0, OFFSET_END))

    def at_the_end():
        message = latest.consumer.poll(0.05)
        return message and message.error() and message.error().code() == KafkaError._PARTITION_EOF

    until("the end is reached", at_the_end)
    produce(topic, [{"value": "news", "partition": 0}])
    expect(latest.values(1), ["news"], "from the end")
    latest.close()


def offsets_by_time():
    topic = create_topic("time", 2)
    start_ms = int(time.time() * 1000) - 600_000
    stamps = [(0, 10), (0, 30), (0, 20), (1, 25)]
    produce(
        topic,
        [{"value": "x", "partition": number, "timestamp": start_ms + at * 1000} for number, at in stamps],
    )
    reader = Reader(topic)

    def at(seconds):
        wanted = [TopicPartition(topic, number, start_ms + seconds * 1000) for number in (0, 1)]
        return [part.offset for part in reader.consumer.offsets_for_times(wanted, timeout=DEADLINE_S)]

    expect(at(5), [0, 0], "before all")
    expect(at(15), [1, 0], "between")
    expect(at(26), [1, OFFSET_END], "after the only one of partition 1")
    reader.close()

    def listed(spec):
        asked = {TopicPartition(topic, number): spec for number in (0, 1)}
        found = results(admin().list_offsets(asked))
        return [found[key].offset for key in sorted(found, key=lambda key: key.partition)]

    expect(listed(OffsetSpec.earliest()), [0, 0], "earliest")
    expect(listed(OffsetSpec.latest()), [3, 1], "latest")
    expect(listed(OffsetSpec.max_timestamp()), [1, 0], "of the greatest timestamp")
    expect(listed(OffsetSpec.for_timestamp(start_ms + 21_000)), [1, 0], "by timestamp")


def idempotence():
    topic = create_topic("idempotence")
    producer = Producer(client_config(enable_idempotence=True, linger_ms=0, batch_num_messages=10))
    for index in range(100):
        producer.produce(topic, f"{index}", partition=0)
        producer.poll(0)
    expect(producer.flush(DEADLINE_S), 0, "messages left unsent")
    reader = Reader(topic).assign((0, OFFSET_BEGINNING))
    expect(reader.values(100), [str(index) for index in range(100)], "values")
    reader.close()
    return {"topic": topic}


def admin_topics():
    client = admin()
    topic = unique("admin")
    new = NewTopic(topic, num_partitions=2, config={"retention.ms": "123456"})
    exists = lambda: topic in client.list_topics(timeout=DEADLINE_S).topics
    results(client.create_topics([new], validate_only=True))
    expect(exists(), False, "exists after validation only")
    results(client.create_topics([new]))
    expect(exists(), True, "exists")
    expect(refusal(client.create_topics([new])), KafkaError.TOPIC_ALREADY_EXISTS, "created again")

    results(client.create_partitions([NewPartitions(topic, 5)]))
    expect(refusal(client.create_partitions([NewPartitions(topic, 3)])), KafkaError.INVALID_PARTITIONS, "fewer")
    described = results(client.describe_topics(TopicCollection([topic])))[topic]
    expect([part.id for part in described.partitions], [0, 1, 2, 3, 4], "partitions")
    expect({part.leader.id for part in described.partitions}, {part.isr[0].id for part in described.partitions}, "isr")

    resource = ConfigResource(ResourceType.TOPIC, topic)
    configs = results(client.describe_configs([resource]))[resource]
    expect((configs["retention.ms"].value, configs["retention.ms"].is_default), ("123456", False), "set config")
    expect((configs["cleanup.policy"].value, configs["cleanup.policy"].is_default), ("delete", True), "default")

    produce(topic, numbered(10, 3))
    deleted = results(client.delete_records([TopicPartition(topic, 3, 6)]))
    expect([told.low_watermark for told in deleted.values()], [6], "low watermark")
    reader = Reader(topic)
    expect(reader.consumer.get_watermark_offsets(TopicPartition(topic, 3)), (6, 10), "watermarks")
    reader.close()

    cluster = client.describe_cluster().result(DEADLINE_S)
    expect([node.id for node in cluster.nodes], [cluster.controller.id], "nodes")
    expect(len(cluster.cluster_id), 22, "length of the cluster id")

    results(client.delete_topics([topic]))
    until("the topic is gone", lambda: not exists())
    expect(refusal(client.delete_topics([topic])), KafkaError.UNKNOWN_TOPIC_OR_PART, "deleted again")


def refusal(futures):
    """The error code that the only one of `futures` ends with."""
    try:
        results(futures)
    except KafkaException as error:
        return error.args[0].code()
    return None


def admin_groups():
    client = admin()
    topic = create_topic("admin-groups", 2)
    group = unique("admin-groups")
    produce(topic, numbered(5))
    reader = Reader(topic, group, client_id="the reader").subscribe()
    reader.read(5)
    reader.consumer.commit(asynchronous=False)

    listed = client.list_consumer_groups().result(DEADLINE_S)
    mine = [each for each in listed.valid if each.group_id == group]
    expect([(each.state.name, each.is_simple_consumer_group) for each in mine], [("STABLE", False)], "listed")
    described = results(client.describe_consumer_groups([group]))[group]
    expect((described.state.name, len(described.members)), ("STABLE", 1), "described")
    member = described.members[0]
    expect((member.client_id, member.host), ("the reader", "/127.0.0.1"), "member")
    held = sorted(part.partition for part in member.assignment.topic_partitions)
    expect(held, [0, 1], "assignment")
    expect(refusal(client.delete_consumer_groups([group])), KafkaError.NON_EMPTY_GROUP, "deleted while in use")

    def committed():
        asked = ConsumerGroupTopicPartitions(group)
        told = results(client.list_consumer_group_offsets([asked]))[group]
        return {part.partition: part.offset for part in told.topic_partitions}

    expect(committed()[0], 5, "committed")
    altered = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 2)])
    refused = results(client.alter_consumer_group_offsets([altered]))[group].topic_partitions
    expect([part.error.code() for part in refused], [KafkaError.UNKNOWN_MEMBER_ID], "altered while in use")
    reader.close()
    results(client.alter_consumer_group_offsets([altered]))
    expect(committed()[0], 2, "committed after being altered")
    again = Reader(topic, group).subscribe()
    expect(again.values(3), ["message 2", "message 3", "message 4"], "read from there")
    again.close()
    results(client.delete_consumer_groups([group]))
    expect(committed(), {}, "committed after the group is deleted")
    expect(refusal(client.delete_consumer_groups([group])), KafkaError.GROUP_ID_NOT_FOUND, "deleted again")


def admin_configs():
    client = admin()
    topic = create_topic("configs")

    def config(name):
        resource = ConfigResource(ResourceType.TOPIC, topic)
        found = results(client.describe_configs([resource]))[resource][name]
        return found.value, found.is_default

    def becomes(name, *value):
        until(f"{name} is {value}", lambda: config(name) == value)

    def alter(name, operation, value=None):
        entry = ConfigEntry(name, value, incremental_operation=operation)
        return client.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])])

    results(alter("retention.ms", AlterConfigOpType.SET, "123456"))
    becomes("retention.ms", "123456", False)
    results(alter("cleanup.policy", AlterConfigOpType.APPEND, "compact"))
    becomes("cleanup.policy", "delete,compact", False)
    results(alter("cleanup.policy", AlterConfigOpType.DELETE))
    becomes("cleanup.policy", "delete", True)
    expect(refusal(alter("retention.ms", AlterConfigOpType.SET, "long")), KafkaError.INVALID_CONFIG, "a wrong value")
    # The older way replaces all that there was.
    warnings.simplefilter("ignore", DeprecationWarning)
    results(client.alter_configs([ConfigResource(ResourceType.TOPIC, topic, set_config={"segment.ms": "654321"})]))
    becomes("segment.ms", "654321", False)
    becomes("retention.ms", "604800000", True)


def admin_cluster():
    client = admin()
    topic = create_topic("cluster")
    elected = client.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, 0)]).result(DEADLINE_S)
    expect([error.code() for error in elected.values()], [KafkaError.ELECTION_NOT_NEEDED], "election of the leader")
    acls = AclBindingFilter(
        ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
    )
    # It makes an empty list of SECURITY_DISABLED.
    expect(client.describe_acls(acls).result(DEADLINE_S), [], "ACLs without an authorizer")

    user = unique("user")
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    described = lambda: client.describe_user_scram_credentials([user])
    results(client.alter_user_scram_credentials([UserScramCredentialUpsertion(user, info, b"secret")]))
    until("the user is there", lambda: refusal(described()) is None)
    found = [(each.mechanism, each.iterations) for each in results(described())[user].scram_credential_infos]
    expect(found, [(ScramMechanism.SCRAM_SHA_256, 4096)], "credentials")
    results(client.alter_user_scram_credentials([UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)]))
    until("the user is gone", lambda: refusal(described()) == KafkaError.RESOURCE_NOT_FOUND)


FEATURES = {
    "version": lambda: {"client": version(), "librdkafka": libversion()[0]},
    "gzip": codec("gzip"),
    "snappy": codec("snappy"),
    "lz4": codec("lz4"),
    "zstd": codec("zstd"),
    "headers": headers,
    "keys": keys,
    "null values": null_values,
    "acks 0, 1 and all": acks,
    "groups with rebalances": rebalances,
    "cooperative rebalances": cooperative,
    "static members": static_members,
    "crash and resume": crash_and_resume,
    "seeks": seeks,
    "offsets by time": offsets_by_time,
    "idempotence": idempotence,
    "transactions": transactions,
    "offsets in transactions": offsets_in_transactions,
    "admin: topics": admin_topics,
    "admin: groups and offsets": admin_groups,
    "admin: configs": admin_configs,
    "admin: cluster": admin_cluster,
}

printing = threading.Lock()


def run(feature):
    told = {"feature": feature, "error": None}
    try:
        told.update(FEATURES[feature]() or {})
    except BaseException:  # whatever it is, it is this feature's result
        told["error"] = traceback.format_exc()
    with printing:
        print(json.dumps(told), flush=True)


def main():
    features = sys.argv[2:]
    if features[0] == "--worker":
        crash_worker(*features[1:])
    admin()
    threads = [threading.Thread(target=run, args=(feature,), daemon=True) for feature in features]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


main()
