"""aiokafka in transactions."""

from aiokafka import AIOKafkaProducer, TopicPartition, errors
from client import Reader, bootstrap, create_topic, messages, produce, until
from python_harness import expect, unique

PARTITIONS = 2
IN_EACH = 12
AT_ONCE = 5


async def transactional(transactional_id):
    """A producer that has the id for itself: what another left open is aborted."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=transactional_id, retry_backoff_ms=20)
    await producer.start()
    return producer


async def send(producer, topic, partition, *values):
    for value in values:
        await producer.send_and_wait(topic, value, partition=partition)


async def read(topic, isolation_level, count):
    """What there is of `count` records: partition -> offsets and values."""
    reader = await Reader(topic, isolation_level=isolation_level).assign(*range(PARTITIONS))
    found = {partition: [] for partition in range(PARTITIONS)}
    for record in await reader.read(count):
        found[record.partition].append((record.offset, record.value))
    await reader.close()
    return found


async def transactions():
    topic, transactional_id = await create_topic("transactions", PARTITIONS), unique("transactions")
    producer = await transactional(transactional_id)
    async with producer.transaction():
        await send(producer, topic, 0, b"a", b"b", b"c")
        await send(producer, topic, 1, b"d", b"e")
    await producer.begin_transaction()
    await send(producer, topic, 0, b"aborted")
    await producer.abort_transaction()
    await producer.begin_transaction()
    await send(producer, topic, 0, b"open")
    # Each transaction's end has taken an offset of its own.
    there = await read(topic, "read_uncommitted", 7)
    expect(there[0][3:], [(4, b"aborted"), (6, b"open")], "all that is there")

    successor = await transactional(transactional_id)
    try:
        await send(producer, topic, 0, b"zombie")
        raise AssertionError("a zombie has written")
    except (errors.ProducerFenced, errors.InvalidProducerEpoch):
        pass
    await producer.stop()
    async with successor.transaction():
        await send(successor, topic, 0, b"last")
    await successor.stop()
    committed = {0: [(0, b"a"), (1, b"b"), (2, b"c"), (8, b"last")], 1: [(0, b"d"), (1, b"e")]}
    expect(await read(topic, "read_committed", 6), committed, "what was committed")


async def offsets_in_transactions():
    """Reads, processes and writes in transactions, every third of which is aborted."""
    source, target = await create_topic("source", PARTITIONS), await create_topic("target", PARTITIONS)
    group = unique("processor")
    values = {number: [b"%d/%d" % (number, index) for index in range(IN_EACH)] for number in range(PARTITIONS)}
    for number in values:
        await produce(source, messages(values[number], number))
    reader = await Reader(source, group, isolation_level="read_committed").subscribe()
    consumer, producer = reader.consumer, await transactional(unique("processor"))
    partitions = [TopicPartition(source, number) for number in range(PARTITIONS)]

    turns = 0
    done = dict.fromkeys(partitions)

    async def is_done():
        return [await consumer.committed(partition) for partition in partitions] == list(done.values())

    while list(done.values()) != [IN_EACH] * PARTITIONS:
        batch = await consumer.getmany(timeout_ms=1000, max_records=AT_ONCE)
        if not batch:
            continue
        await producer.begin_transaction()
        for partition, records in batch.items():
            for record in records:
                await producer.send(target, record.value + b" processed", partition=partition.partition)
        ends = {partition: records[-1].offset + 1 for partition, records in batch.items()}
        await producer.send_offsets_to_transaction(ends, group)
        turns += 1
        if turns % 3 > 0:
            await producer.commit_transaction()
            done.update(ends)
            # Kafka answers before the group's coordinator has heard of it.
            await until("the offsets are committed", is_done)
            continue
        await producer.abort_transaction()
        expect(await is_done(), True, "nothing is committed when a transaction is aborted")
        for partition, offset in done.items():
            consumer.seek(partition, offset or 0)
    expect(turns >= 3, True, "a transaction was aborted")

    for number, found in (await read(target, "read_committed", IN_EACH * PARTITIONS)).items():
        processed = [value + b" processed" for value in values[number]]
        expect([value for _, value in found], processed, "what was processed")
    await producer.stop()
    await reader.close()
