"""kafka-python in transactions."""

from client import DEADLINE_S, QUICK, Reader, create_topic, messages, produce
from kafka import KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.structs import OffsetAndMetadata
from python_harness import expect, refusal, unique, until

PARTITIONS = 2
IN_EACH = 12
AT_ONCE = 5


def transactional(transactional_id):
    """A producer that has the id for itself: what another left open is aborted."""
    producer = KafkaProducer(**QUICK, transactional_id=transactional_id, linger_ms=0)
    producer.init_transactions()
    return producer


def send(producer, topic, partition, *values):
    for value in values:
        producer.send(topic, value, partition=partition).get(DEADLINE_S)


def read(topic, isolation_level, count):
    """What there is of `count` records: partition -> offsets and values."""
    reader = Reader(topic, isolation_level=isolation_level).assign(*range(PARTITIONS))
    found = {partition: [] for partition in range(PARTITIONS)}
    for record in reader.read(count):
        found[record.partition].append((record.offset, record.value))
    reader.close()
    return found


def transactions():
    topic, transactional_id = create_topic("transactions", PARTITIONS), unique("transactions")
    producer = transactional(transactional_id)
    producer.begin_transaction()
    send(producer, topic, 0, b"a", b"b", b"c")
    send(producer, topic, 1, b"d", b"e")
    producer.commit_transaction()
    producer.begin_transaction()
    send(producer, topic, 0, b"aborted")
    producer.abort_transaction()
    producer.begin_transaction()
    send(producer, topic, 0, b"open")
    # Each transaction's end has taken an offset of its own.
    expect(read(topic, "read_uncommitted", 7)[0][3:], [(4, b"aborted"), (6, b"open")], "all that is there")

    successor = transactional(transactional_id)
    refused = refusal(producer.commit_transaction)
    expect(type(refused), errors.ProducerFencedError, "the zombie's error")
    successor.begin_transaction()
    send(successor, topic, 0, b"last")
    successor.commit_transaction()
    committed = {0: [(0, b"a"), (1, b"b"), (2, b"c"), (8, b"last")], 1: [(0, b"d"), (1, b"e")]}
    expect(read(topic, "read_committed", 6), committed, "what was committed")


def offsets_in_transactions():
    """Reads, processes and writes in transactions, every third of which is aborted."""
    source, target = create_topic("source", PARTITIONS), create_topic("target", PARTITIONS)
    group = unique("processor")
    values = {number: [b"%d/%d" % (number, index) for index in range(IN_EACH)] for number in range(PARTITIONS)}
    for number in values:
        produce(source, messages(values[number], number))
    settings = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "isolation_level": "read_committed"}
    consumer = KafkaConsumer(source, group_id=group, fetch_max_wait_ms=50, **QUICK, **settings)
    producer = transactional(unique("processor"))
    partitions = [TopicPartition(source, number) for number in range(PARTITIONS)]
    done = dict.fromkeys(partitions)
    is_done = lambda: [consumer.committed(partition) for partition in partitions] == list(done.values())
    turns = 0

    while list(done.values()) != [IN_EACH] * PARTITIONS:
        batch = consumer.poll(1000, max_records=AT_ONCE)
        if not batch:
            continue
        producer.begin_transaction()
        for partition, records in batch.items():
            for record in records:
                producer.send(target, record.value + b" processed", partition=partition.partition)
        ends = {partition: records[-1].offset + 1 for partition, records in batch.items()}
        offsets = {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in ends.items()}
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        turns += 1
        if turns % 3 > 0:
            producer.commit_transaction()
            done.update(ends)
            # Kafka answers before the group's coordinator has heard of it.
            until("the offsets are committed", is_done)
            continue
        producer.abort_transaction()
        expect(is_done(), True, "nothing is committed when a transaction is aborted")
        for partition, offset in done.items():
            consumer.seek(partition, offset or 0)
    expect(turns >= 3, True, "a transaction was aborted")

    for number, found in read(target, "read_committed", IN_EACH * PARTITIONS).items():
        processed = [value + b" processed" for value in values[number]]
        expect([value for _, value in found], processed, "what was processed")
    consumer.close(autocommit=False)
