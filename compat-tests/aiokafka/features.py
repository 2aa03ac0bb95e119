"""The features of aiokafka, shown one by one (see ../python_harness.py)."""

import asyncio
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import aiokafka
from aiokafka import AIOKafkaProducer, TopicPartition, errors
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from client import Reader, admin, bootstrap, create_topic, messages, produce, until
from groups import crash_and_resume, crash_worker, described, rebalances, static_members
from python_harness import expect, main, numbered, unique
from transactions import offsets_in_transactions, transactions


def codec(name):
    async def show():
        topic = await create_topic(name)
        values = [(f"{index} " * 200).encode() for index in range(50)]
        await produce(topic, messages(values), compression_type=name)
        reader = await Reader(topic).assign(0)
        expect(await reader.values(50), values, "values")
        await reader.close()
        return {"topic": topic}

    return show


async def headers():
    topic = await create_topic("headers")
    sent = [("plain", b"text"), ("empty", b""), ("none", None), ("binary", b"\x00\xff\x80"), ("plain", b"again")]
    await produce(topic, [{"value": b"with", "headers": sent}, {"value": b"without"}])
    reader = await Reader(topic).assign(0)
    expect([list(record.headers) for record in await reader.read(2)], [sent, []], "headers")
    await reader.close()


async def keys():
    topic = await create_topic("keys", 4)
    names = [f"key {index}".encode() for index in range(20)]
    await produce(topic, [{"key": name, "value": name + b" %d" % turn} for turn in (1, 2) for name in names])
    await produce(topic, [{"value": b"no key"}, {"key": b"", "value": b"empty key"}])
    reader = await Reader(topic).assign(0, 1, 2, 3)
    read = await reader.read(42)
    for name in names:
        found = [record for record in read if record.key == name]
        expect([record.value for record in found], [name + b" 1", name + b" 2"], "values of a key")
        expect(found[0].partition, found[1].partition, "partitions of a key")
    expect({record.partition for record in read}, {0, 1, 2, 3}, "partitions used")
    by_value = {record.value: record.key for record in read}
    expect((by_value[b"no key"], by_value[b"empty key"]), (None, b""), "keys that say nothing")
    await reader.close()


async def null_values():
    topic = await create_topic("nulls")
    await produce(topic, [{"key": b"a", "value": None}, {"key": b"a", "value": b""}])
    reader = await Reader(topic).assign(0)
    expect(await reader.values(2), [None, b""], "values")
    await reader.close()


async def acks():
    topic = await create_topic("acks")
    for index, wanted in enumerate(("all", 1, 0)):
        told = await produce(topic, [{"value": f"acks {wanted}".encode()}], acks=wanted)
        # With acks=0 nobody says where the record went.
        expect(told[0].offset if told[0] else None, index if wanted else None, "offset told")
    reader = await Reader(topic).assign(0)
    expect(await reader.values(3), [b"acks all", b"acks 1", b"acks 0"], "values")
    await reader.close()


async def seeks():
    topic = await create_topic("seeks")
    partition = TopicPartition(topic, 0)
    await produce(topic, messages(numbered(10)))
    reader = await Reader(topic).assign(0)
    reader.consumer.seek(partition, 7)
    expect(await reader.offsets(3), [7, 8, 9], "from a given offset")
    reader.consumer.seek(partition, 2)
    expect(await reader.offsets(2), [2, 3], "after a seek back")
    # Beyond the end, auto_offset_reset decides.
    reader.consumer.seek(partition, 1000)
    expect(await reader.offsets(1), [0], "after a seek beyond the end")
    await reader.consumer.seek_to_end(partition)
    expect(await reader.consumer.position(partition), 10, "position at the end")
    reader.consumer.pause(partition)
    await produce(topic, messages([b"news"]))
    expect(await reader.consumer.getmany(timeout_ms=200), {}, "records while paused")
    reader.consumer.resume(partition)
    expect(await reader.values(1), [b"news"], "after the pause")
    await reader.close()


async def offsets_by_time():
    topic = await create_topic("time", 2)
    start_ms = int(time.time() * 1000) - 600_000
    stamps = [(0, 10), (0, 30), (0, 20), (1, 25)]
    sent = [{"value": b"x", "partition": number, "timestamp_ms": start_ms + at * 1000} for number, at in stamps]
    await produce(topic, sent)
    partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    reader = await Reader(topic).assign(0, 1)

    async def at(seconds):
        found = await reader.consumer.offsets_for_times(dict.fromkeys(partitions, start_ms + seconds * 1000))
        return [found[partition] and found[partition].offset for partition in partitions]

    expect(await at(5), [0, 0], "before all")
    expect(await at(15), [1, 0], "between")
    expect(await at(26), [1, None], "after the only one of partition 1")
    expect(await reader.consumer.beginning_offsets(partitions), dict(zip(partitions, [0, 0])), "first offsets")
    expect(await reader.consumer.end_offsets(partitions), dict(zip(partitions, [3, 1])), "end offsets")
    read = sorted(record.timestamp - start_ms for record in await reader.read(4))
    expect(read, [10_000, 20_000, 25_000, 30_000], "timestamps")
    await reader.close()


async def idempotence():
    topic = await create_topic("idempotence")
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, max_batch_size=200)
    await producer.start()
    await asyncio.gather(*[await producer.send(topic, str(index).encode(), partition=0) for index in range(100)])
    await producer.stop()
    reader = await Reader(topic).assign(0)
    expect(await reader.values(100), [str(index).encode() for index in range(100)], "values")
    await reader.close()
    return {"topic": topic}


async def admin_topics():
    async with admin() as client:
        topic = unique("admin")
        wanted = [NewTopic(topic, 2, 1, topic_configs={"retention.ms": "123456"})]
        creation = lambda answer: [error[1] for error in answer.topic_errors]
        expect(creation(await client.create_topics(wanted, validate_only=True)), [0], "validation")
        expect(topic in await client.list_topics(), False, "exists after validation only")
        expect(creation(await client.create_topics(wanted)), [0], "creation")
        exists = lambda answer: topic in answer
        await until("the topic exists", lambda: listed(client, exists))
        expect(creation(await client.create_topics(wanted)), [errors.TopicAlreadyExistsError.errno], "created again")

        await client.create_partitions({topic: NewPartitions(5)})
        try:
            await client.create_partitions({topic: NewPartitions(3)})
            raise AssertionError("fewer partitions were accepted")
        except errors.InvalidPartitionsError:
            pass

        async def grown():
            return len((await client.describe_topics([topic]))[0]["partitions"]) == 5

        await until("it has five partitions", grown)
        cluster = await client.describe_cluster()
        expect([node["node_id"] for node in cluster["brokers"]], [cluster["controller_id"]], "brokers")
        expect(len(cluster["cluster_id"]), 22, "length of the cluster id")

        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        answer = (await client.describe_configs([resource], include_synonyms=True))[0].resources[0]
        found = {config[0]: config[1] for config in answer[4]}
        expect((found["retention.ms"], found["cleanup.policy"]), ("123456", "delete"), "configs")

        await produce(topic, messages(numbered(10), 3))
        partition = TopicPartition(topic, 3)
        deleted = await client.delete_records({partition: RecordsToDelete(before_offset=6)})
        expect(deleted, {partition: 6}, "low watermark")
        reader = await Reader(topic).assign(3)
        expect(await reader.offsets(4), [6, 7, 8, 9], "what is left")
        await reader.close()

        gone = await client.delete_topics([topic])
        expect(gone.topic_error_codes, [(topic, 0)], "deletion")
        await until("the topic is gone", lambda: listed(client, lambda answer: topic not in answer))
        gone = await client.delete_topics([topic])
        expect(gone.topic_error_codes, [(topic, errors.UnknownTopicOrPartitionError.errno)], "deleted again")


async def admin_configs():
    topic = await create_topic("configs")
    async with admin() as client:

        async def config(name):
            answer = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
            return {each[0]: each[1] for each in answer[0].resources[0][4]}[name]

        async def becomes(name, value):
            async def is_so():
                return await config(name) == value

            await until(f"{name} is {value}", is_so)

        # Its only way replaces all that there was.
        async def replace(**configs):
            named = {name.replace("_", "."): value for name, value in configs.items()}
            answer = await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])
            return answer[0].resources[0][0]

        expect(await replace(segment_ms="654321"), 0, "altered")
        await becomes("segment.ms", "654321")
        expect(await replace(retention_ms="123456"), 0, "altered")
        await becomes("retention.ms", "123456")
        await becomes("segment.ms", "604800000")
        expect(await replace(retention_ms="long"), errors.InvalidConfigurationError.errno, "a wrong value")


async def listed(client, is_right):
    return is_right(await client.list_topics())


async def admin_groups():
    topic, group = await create_topic("admin-groups", 2), unique("admin-groups")
    partition = TopicPartition(topic, 0)
    await produce(topic, messages(numbered(5)))
    reader = await Reader(topic, group, client_id="the reader").subscribe()
    await reader.read(5)
    await reader.consumer.commit()
    async with admin() as client:
        found = [each for each in await client.list_consumer_groups() if each[0] == group]
        expect([each[1] for each in found], ["consumer"], "listed")
        _, _, state, protocol_type, _, members, *_ = await described(group)
        expect((state, protocol_type, len(members)), ("Stable", "consumer", 1), "described")
        expect(members[0][1:3], ("the reader", "/127.0.0.1"), "member")
        committed = await client.list_consumer_group_offsets(group)
        expect(committed[partition].offset, 5, "committed")
        asked = await client.list_consumer_group_offsets(group, partitions=[partition])
        expect(asked[partition].offset, 5, "committed, asked for by name")
        await reader.close()

        # Offsets are set from outside by a consumer that does not join.
        setter = await Reader(topic, group).assign(0)
        await setter.consumer.commit({partition: (2, "by hand")})
        await setter.close()
        set_by_hand = (await client.list_consumer_group_offsets(group))[partition]
        expect((set_by_hand.offset, set_by_hand.metadata), (2, "by hand"), "committed from outside")
    again = await Reader(topic, group).subscribe()
    expect(await again.offsets(3), [2, 3, 4], "read from there")
    await again.close()


def run(feature):
    return lambda: asyncio.run(feature())


FEATURES = {
    "version": lambda: {"client": aiokafka.__version__},
    "gzip": run(codec("gzip")),
    "snappy": run(codec("snappy")),
    "lz4": run(codec("lz4")),
    "zstd": run(codec("zstd")),
    "headers": run(headers),
    "keys": run(keys),
    "null values": run(null_values),
    "acks 0, 1 and all": run(acks),
    "groups with rebalances": run(rebalances),
    "static members": run(static_members),
    "crash and resume": run(crash_and_resume),
    "seeks": run(seeks),
    "offsets by time": run(offsets_by_time),
    "idempotence": run(idempotence),
    "transactions": run(transactions),
    "offsets in transactions": run(offsets_in_transactions),
    "admin: topics": run(admin_topics),
    "admin: groups and offsets": run(admin_groups),
    "admin: configs": run(admin_configs),
}

main(FEATURES, lambda *args: asyncio.run(crash_worker(*args)))
