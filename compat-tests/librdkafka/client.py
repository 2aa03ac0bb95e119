"""confluent-kafka as these tests use it: quick to retry, with the shortest session that a broker grants by default."""

import functools
import sys
import time
import uuid

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

DEADLINE_S = 40
SESSION_TIMEOUT_MS = 6000

bootstrap = sys.argv[1]


def quiet(_error):
    """Client-wide errors show in what the features themselves wait for."""


def client_config(**settings):
    config = {"bootstrap.servers": bootstrap, "error_cb": quiet, "log_level": 0, "reconnect.backoff.ms": 20}
    config.update({name.replace("_", "."): value for name, value in settings.items()})
    return config


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:10]}"


def expect(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def until(what, probe):
    """Asks `probe` until its answer is true; a probe that polls a client waits by itself."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        answer = probe()
        if answer:
            return answer
    raise AssertionError(f"{what}: not so within {DEADLINE_S} s")


@functools.cache
def admin():
    """One for all: a client that nobody holds any more takes its requests with it."""
    return AdminClient(client_config())


def results(futures):
    return {key: future.result(DEADLINE_S) for key, future in futures.items()}


def create_topic(name, partitions=1):
    topic = unique(name)
    results(admin().create_topics([NewTopic(topic, num_partitions=partitions)]))
    return topic


def produce(topic, messages, **settings):
    """Sends dicts of produce() arguments; returns what was delivered, in the order of delivery."""
    delivered = []
    producer = Producer(client_config(linger_ms=5, **settings))
    for message in messages:
        producer.produce(topic, on_delivery=lambda error, told: delivered.append((error, told)), **message)
    expect(producer.flush(DEADLINE_S), 0, "messages left unsent")
    for error, _ in delivered:
        if error is not None:
            raise KafkaException(error)
    return [told for _, told in delivered]


def numbered(count, partition=0):
    return [{"value": f"message {index}", "partition": partition} for index in range(count)]


class Reader:
    """A consumer of one group and topic that remembers what it was given and how it was assigned."""

    def __init__(self, topic, group=None, **settings):
        self.events = []
        self.messages = []
        defaults = {
            "group_id": group or unique("group"),
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": SESSION_TIMEOUT_MS,
            "heartbeat_interval_ms": 100,
            "fetch_wait_max_ms": 50,
        }
        self.consumer = Consumer(client_config(**{**defaults, **settings}))
        self.topic = topic

    def subscribe(self):
        def note(kind):
            return lambda _, parts: self.events.append((kind, sorted(part.partition for part in parts)))

        self.consumer.subscribe(
            [self.topic], on_assign=note("assign"), on_revoke=note("revoke"), on_lost=note("lost")
        )
        return self

    def assign(self, *partitions):
        self.consumer.assign([TopicPartition(self.topic, number, offset) for number, offset in partitions])
        return self

    def poll(self, timeout_s=0.05):
        message = self.consumer.poll(timeout_s)
        if message is None:
            return None
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                return None
            raise KafkaException(message.error())
        self.messages.append(message)
        return message

    def read(self, count):
        """Waits until `count` messages have come in all."""

        def enough():
            if len(self.messages) < count:
                self.poll()
            return len(self.messages) >= count

        until(f"{count} messages of {self.topic} are read", enough)
        return self.messages

    def values(self, count):
        return [text(message.value()) for message in self.read(count)]

    def assigned(self):
        return sorted(part.partition for part in self.consumer.assignment())

    def close(self):
        self.consumer.close()


def text(value):
    return None if value is None else value.decode()


def settle(what, readers, is_settled):
    """Polls all readers in turn until `is_settled`."""

    def polled():
        for reader in readers:
            reader.poll(0.02)
        return is_settled()

    until(what, polled)


def shared(readers, partitions):
    """Each partition is held by exactly one reader and no reader is idle."""
    held = [reader.assigned() for reader in readers]
    return all(held) and sorted(sum(held, [])) == list(range(partitions))
