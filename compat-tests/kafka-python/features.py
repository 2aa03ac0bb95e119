"""The features of kafka-python, shown one by one (see ../python_harness.py)."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import kafka
from client import Reader, admin, bootstrap, create_topic, messages, produce
from cluster import admin_cluster, admin_configs
from groups import cooperative, crash_and_resume, crash_worker, rebalances, static_members
from kafka import KafkaProducer, TopicPartition, errors
from kafka.admin import ConfigResource, OffsetSpec
from kafka.structs import OffsetAndMetadata
from python_harness import DEADLINE_S, expect, main, numbered, refusal, unique, until
from transactions import offsets_in_transactions, transactions


def codec(name):
    def show():
        topic = create_topic(name)
        values = [(f"{index} " * 200).encode() for index in range(50)]
        produce(topic, messages(values), compression_type=name)
        reader = Reader(topic).assign(0)
        expect(reader.values(50), values, "values")
        reader.close()
        return {"topic": topic}

    return show


def headers():
    topic = create_topic("headers")
    sent = [("plain", b"text"), ("empty", b""), ("binary", b"\x00\xff\x80"), ("plain", b"again")]
    produce(topic, [{"value": b"with", "headers": sent}, {"value": b"without"}])
    reader = Reader(topic).assign(0)
    expect([list(record.headers) for record in reader.read(2)], [sent, []], "headers")
    reader.close()


def keys():
    topic = create_topic("keys", 4)
    names = [f"key {index}".encode() for index in range(20)]
    produce(topic, [{"key": name, "value": name + b" %d" % turn} for turn in (1, 2) for name in names])
    produce(topic, [{"value": b"no key"}, {"key": b"", "value": b"empty key"}])
    reader = Reader(topic).assign(0, 1, 2, 3)
    read = reader.read(42)
    for name in names:
        found = [record for record in read if record.key == name]
        expect([record.value for record in found], [name + b" 1", name + b" 2"], "values of a key")
        expect(found[0].partition, found[1].partition, "partitions of a key")
    expect({record.partition for record in read}, {0, 1, 2, 3}, "partitions used")
    by_value = {record.value: record.key for record in read}
    expect((by_value[b"no key"], by_value[b"empty key"]), (None, b""), "keys that say nothing")
    reader.close()


def null_values():
    topic = create_topic("nulls")
    produce(topic, [{"key": b"a", "value": None}, {"key": b"a", "value": b""}])
    reader = Reader(topic).assign(0)
    expect(reader.values(2), [None, b""], "values")
    reader.close()


def acks():
    topic = create_topic("acks")
    for index, wanted in enumerate(("all", 1, 0)):
        told = produce(topic, [{"value": f"acks {wanted}".encode()}], acks=wanted, enable_idempotence=False)
        # With acks=0 nobody says where the record went.
        expect(told[0].offset, index if wanted else 0, "offset told")
    reader = Reader(topic).assign(0)
    expect(reader.values(3), [b"acks all", b"acks 1", b"acks 0"], "values")
    reader.close()


def seeks():
    topic = create_topic("seeks")
    partition = TopicPartition(topic, 0)
    produce(topic, messages(numbered(10)))
    reader = Reader(topic).assign(0)
    reader.consumer.seek(partition, 7)
    expect([record.offset for record in reader.read(3)], [7, 8, 9], "from a given offset")
    reader.consumer.seek(partition, 2)
    expect([record.offset for record in reader.read(5)][3:5], [2, 3], "after a seek back")
    # Beyond the end, auto_offset_reset decides.
    reader.records.clear()
    reader.consumer.seek(partition, 1000)
    expect(reader.values(1)[0], b"message 0", "after a seek beyond the end")
    reader.consumer.seek_to_end(partition)
    expect(reader.consumer.position(partition), 10, "position at the end")
    reader.records.clear()
    reader.consumer.pause(partition)
    produce(topic, messages([b"news"]))
    reader.keep(reader.consumer.poll(200))
    expect(reader.records, [], "records while paused")
    reader.consumer.resume(partition)
    expect(reader.values(1), [b"news"], "after the pause")
    reader.close()


def offsets_by_time():
    topic = create_topic("time", 2)
    start_ms = int(time.time() * 1000) - 600_000
    stamps = [(0, 10), (0, 30), (0, 20), (1, 25)]
    sent = [{"value": b"x", "partition": number, "timestamp_ms": start_ms + at * 1000} for number, at in stamps]
    produce(topic, sent)
    partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    reader = Reader(topic).assign(0, 1)

    def at(seconds):
        found = reader.consumer.offsets_for_times(dict.fromkeys(partitions, start_ms + seconds * 1000))
        return [found[partition] and found[partition].offset for partition in partitions]

    expect(at(5), [0, 0], "before all")
    expect(at(15), [1, 0], "between")
    expect(at(26), [1, None], "after the only one of partition 1")
    expect(reader.consumer.beginning_offsets(partitions), dict(zip(partitions, [0, 0])), "first offsets")
    expect(reader.consumer.end_offsets(partitions), dict(zip(partitions, [3, 1])), "end offsets")
    listed = admin().list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.MAX_TIMESTAMP))
    expect([listed[partition].offset for partition in partitions], [1, 0], "of the greatest timestamp")
    stamps = sorted(record.timestamp - start_ms for record in reader.read(4))
    expect(stamps, [10_000, 20_000, 25_000, 30_000], "timestamps")
    reader.close()


def idempotence():
    topic = create_topic("idempotence")
    producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, batch_size=100, linger_ms=0)
    sent = [producer.send(topic, value=str(index).encode(), partition=0) for index in range(100)]
    for future in sent:
        future.get(DEADLINE_S)
    producer.close()
    reader = Reader(topic).assign(0)
    expect(reader.values(100), [str(index).encode() for index in range(100)], "values")
    reader.close()
    return {"topic": topic}


def admin_topics():
    client = admin()
    topic = unique("admin")
    wanted = {topic: {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "123456"}}}
    client.create_topics(wanted, validate_only=True)
    expect(topic in client.list_topics(), False, "exists after validation only")
    client.create_topics(wanted, wait_for_metadata=True)
    expect(topic in client.list_topics(), True, "exists")
    refused = refusal(lambda: client.create_topics(wanted))
    expect(type(refused), errors.TopicAlreadyExistsError, "created again")

    client.create_partitions({topic: 5})
    refused = refusal(lambda: client.create_partitions({topic: 3}))
    expect(type(refused), errors.InvalidPartitionsError, "fewer")
    described = lambda: client.describe_topics([topic])[0]
    until("it has five partitions", lambda: len(described()["partitions"]) == 5)
    cluster = client.describe_cluster()
    expect([node["broker_id"] for node in cluster["brokers"]], [cluster["controller_id"]], "brokers")
    expect(len(cluster["cluster_id"]), 22, "length of the cluster id")
    for part in described()["partitions"]:
        expect((part["leader_id"], part["isr_nodes"]), (cluster["controller_id"], [cluster["controller_id"]]), "leader")

    configs = client.describe_configs([ConfigResource("topic", topic)], include_synonyms=True, config_filter="all")
    found = configs["topic"][topic]
    retention, cleanup = found["retention.ms"], found["cleanup.policy"]
    expect((retention["value"], retention["config_source"]), ("123456", "DYNAMIC_TOPIC_CONFIG"), "set config")
    expect((cleanup["value"], cleanup["config_source"]), ("delete", "DEFAULT_CONFIG"), "default")

    produce(topic, messages(numbered(10), 3))
    partition = TopicPartition(topic, 3)
    expect(client.delete_records({partition: 6})[partition]["low_watermark"], 6, "low watermark")
    ends = [
        client.list_partition_offsets({partition: spec})[partition].offset
        for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    ]
    expect(ends, [6, 10], "offsets")
    expect("metadata.version" in client.describe_features(), True, "features")

    client.delete_topics([topic])
    until("the topic is gone", lambda: topic not in client.list_topics())
    refused = refusal(lambda: client.delete_topics([topic]))
    expect(type(refused), errors.UnknownTopicOrPartitionError, "deleted again")


def admin_groups():
    client = admin()
    topic, group = create_topic("admin-groups", 2), unique("admin-groups")
    partition = TopicPartition(topic, 0)
    produce(topic, messages(numbered(5)))
    reader = Reader(topic, group, client_id="the reader").subscribe()
    reader.read(5)
    reader.consumer.commit()

    listed = [each for each in client.list_groups(states_filter=["Stable"]) if each["group_id"] == group]
    expect([(each["protocol_type"], each["group_state"]) for each in listed], [("consumer", "Stable")], "listed")
    described = client.describe_groups([group])[group]
    expect((described["group_state"], described["protocol_type"]), ("Stable", "consumer"), "described")
    member = described["members"][0]
    expect((member["client_id"], member["client_host"]), ("the reader", "/127.0.0.1"), "member")
    assigned = member["member_assignment"]["assigned_partitions"]
    expect([(each["topic"], each["partitions"]) for each in assigned], [(topic, [0, 1])], "assignment")

    deletion = lambda: client.delete_groups([group])[group]
    expect(deletion(), "NonEmptyGroupError", "deleted while in use")
    committed = lambda: client.list_group_offsets({group: None})[group].get(partition)
    expect(committed().offset, 5, "committed")
    alter = lambda: client.alter_group_offsets(group, {partition: OffsetAndMetadata(2, "by hand", -1)})[partition]
    expect(alter(), errors.UnknownMemberIdError, "altered while in use")
    remove = lambda: client.delete_group_offsets(group, [partition])[partition]
    expect(remove(), errors.GroupSubscribedToTopicError, "offsets deleted while in use")
    reader.close()
    expect(alter(), errors.NoError, "altered")
    expect((committed().offset, committed().metadata), (2, "by hand"), "committed after being altered")
    again = Reader(topic, group).subscribe()
    expect([record.offset for record in again.read(3)], [2, 3, 4], "read from there")
    again.close()
    reset = client.reset_group_offsets(group, {partition: OffsetSpec.LATEST})
    expect((reset[partition]["error"], reset[partition]["offset"]), (errors.NoError, 5), "reset to the end")
    expect(remove(), errors.NoError, "offsets deleted")
    expect(committed(), None, "committed after deletion")
    expect(deletion(), "OK", "deleted")
    expect(deletion(), "GroupIdNotFoundError", "deleted again")


FEATURES = {
    "version": lambda: {"client": kafka.__version__},
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

main(FEATURES, crash_worker)
