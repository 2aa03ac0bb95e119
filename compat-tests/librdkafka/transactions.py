"""confluent-kafka in transactions."""

from client import DEADLINE_S, Reader, admin, client_config, create_topic, expect, produce, results, text, unique, until
from confluent_kafka import (
    OFFSET_BEGINNING,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

PARTITIONS = 2
IN_EACH = 12
AT_ONCE = 5


def transactional(transactional_id):
    """A producer that has the id for itself: what another left open is aborted."""
    producer = Producer(client_config(transactional_id=transactional_id, linger_ms=0))
    producer.init_transactions(DEADLINE_S)
    return producer


def send(producer, topic, partition, *values):
    for value in values:
        producer.produce(topic, value, partition=partition)
    expect(producer.flush(DEADLINE_S), 0, "messages left unsent")


def read(topic, isolation_level, count):
    """What there is of `count` messages: partition -> values."""
    reader = Reader(topic, isolation_level=isolation_level)
    found = {partition: [] for partition in range(PARTITIONS)}
    for message in reader.assign(*((number, OFFSET_BEGINNING) for number in found)).read(count):
        found[message.partition()].append((message.offset(), text(message.value())))
    reader.close()
    return found


def transactions():
    topic, transactional_id = create_topic("transactions", PARTITIONS), unique("transactions")
    producer = transactional(transactional_id)
    producer.begin_transaction()
    send(producer, topic, 0, "a", "b", "c")
    send(producer, topic, 1, "d", "e")
    producer.commit_transaction(DEADLINE_S)
    producer.begin_transaction()
    send(producer, topic, 0, "aborted")
    producer.abort_transaction(DEADLINE_S)
    producer.begin_transaction()
    send(producer, topic, 0, "open")
    # Each transaction's end has taken an offset of its own.
    expect(read(topic, "read_uncommitted", 7)[0][3:], [(4, "aborted"), (6, "open")], "all that is there")

    successor = transactional(transactional_id)
    try:
        producer.commit_transaction(DEADLINE_S)
        raise AssertionError("a zombie has committed")
    except KafkaException as error:
        expect((error.args[0].code(), error.args[0].fatal()), (KafkaError._FENCED, True), "the zombie's error")
    successor.begin_transaction()
    send(successor, topic, 0, "last")
    successor.commit_transaction(DEADLINE_S)
    committed = {0: [(0, "a"), (1, "b"), (2, "c"), (8, "last")], 1: [(0, "d"), (1, "e")]}
    expect(read(topic, "read_committed", 6), committed, "what was committed")


def offsets_in_transactions():
    """Reads, processes and writes in transactions, every third of which is aborted."""
    source, target = create_topic("source", PARTITIONS), create_topic("target", PARTITIONS)
    group = unique("processor")
    numbers = [(partition, f"{partition}/{index}") for index in range(IN_EACH) for partition in range(PARTITIONS)]
    produce(source, [{"value": value, "partition": partition} for partition, value in numbers])
    reader = Reader(source, group, isolation_level="read_committed").subscribe()
    until("it has both partitions", lambda: reader.poll() or len(reader.assigned()) == PARTITIONS)
    consumer, producer = reader.consumer, transactional(unique("processor"))
    processed = Process(reader, producer, target)
    until("all is processed", lambda: processed.next() == [IN_EACH] * PARTITIONS)

    for partition, values in read(target, "read_committed", IN_EACH * PARTITIONS).items():
        expected = [f"{value} processed" for number, value in numbers if number == partition]
        expect([value for _, value in values], expected, "what was processed")
    if processed.aborted == 0:
        raise AssertionError("no transaction was aborted")
    asked = [TopicPartition(source, number) for number in range(PARTITIONS)]
    told = results(admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, asked)]))[group]
    expect([each.offset for each in told.topic_partitions], [IN_EACH] * PARTITIONS, "the group's offsets")
    consumer.close()


class Process:
    def __init__(self, reader, producer, target):
        self.reader = reader
        self.producer = producer
        self.target = target
        self.turns = 0
        self.aborted = 0

    def next(self):
        """One transaction; returns the committed offsets."""
        consumer = self.reader.consumer
        batch, self.reader.messages = self.reader.messages, []
        while len(batch) < AT_ONCE and (message := consumer.poll(0.1 if batch else 1)):
            batch.append(message)
        if not batch:
            return self.committed()
        before = self.committed()
        self.producer.begin_transaction()
        for message in batch:
            self.producer.produce(self.target, message.value() + b" processed", partition=message.partition())
        self.producer.send_offsets_to_transaction(
            consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), DEADLINE_S
        )
        self.turns += 1
        if self.turns % 3 > 0:
            self.producer.commit_transaction(DEADLINE_S)
            return self.committed()
        self.producer.abort_transaction(DEADLINE_S)
        self.aborted += 1
        after = self.committed()
        expect(after, before, "what stays committed when a transaction is aborted")
        for partition, offset in enumerate(after):
            consumer.seek(TopicPartition(self.reader.topic, partition, max(offset, 0)))
        return after

    def committed(self):
        consumer = self.reader.consumer
        return [each.offset for each in consumer.committed(sorted(consumer.assignment()), DEADLINE_S)]
