"""kafka-python as these tests use it: quick to retry, with the shortest session that a broker grants by default."""

import functools
import logging
import sys
import threading

from kafka import (
    ConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    TopicPartition,
)
from python_harness import DEADLINE_S, SESSION_TIMEOUT_MS, unique, until

# What goes wrong shows in what the features themselves wait for.
logging.disable(logging.CRITICAL)

FOREVER_MS = 3_600_000

bootstrap = sys.argv[1]
QUICK = {"bootstrap_servers": bootstrap, "retry_backoff_ms": 20, "reconnect_backoff_ms": 20}


@functools.cache
def admin():
    """One for all that a feature does."""
    return KafkaAdminClient(**QUICK)


def create_topic(name, partitions=1):
    topic = unique(name)
    options = {"num_partitions": partitions, "replication_factor": 1}
    admin().create_topics({topic: options}, wait_for_metadata=True)
    return topic


def produce(topic, messages, **settings):
    """Sends dicts of send() arguments in order; returns what was told of each."""
    producer = KafkaProducer(**QUICK, **{"linger_ms": 5, **settings})
    try:
        sent = [producer.send(topic, **message) for message in messages]
        return [future.get(DEADLINE_S) for future in sent]
    finally:
        producer.close()


def messages(values, partition=0):
    return [{"value": value, "partition": partition} for value in values]


class Reader:
    """
    A consumer of one topic that remembers what it was given and how it was assigned. One that subscribes is polled by
    a thread of its own, without a timeout: kafka-python never learns of the assignment when a poll ends between its
    request for one and the answer.
    """

    def __init__(self, topic, group=None, **settings):
        self.topic = topic
        self.thread = None
        self.error = None
        self.events = []
        self.records = []
        defaults = {
            "group_id": group,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": SESSION_TIMEOUT_MS,
            "heartbeat_interval_ms": 100,
            "fetch_max_wait_ms": 50,
        }
        self.consumer = KafkaConsumer(**QUICK, **{**defaults, **settings})

    def subscribe(self):
        self.consumer.subscribe([self.topic], listener=Listener(self.events))
        self.thread = threading.Thread(target=self.poll_until_closed, daemon=True)
        self.thread.start()
        return self

    def assign(self, *partitions):
        self.consumer.assign([TopicPartition(self.topic, number) for number in partitions])
        return self

    def poll_until_closed(self):
        try:
            while True:
                self.keep(self.consumer.poll(FOREVER_MS))
        except Exception as error:
            self.error = error

    def keep(self, polled):
        for records in polled.values():
            self.records.extend(records)

    def read(self, count):
        """Waits until `count` records have come in all."""

        def enough():
            if len(self.records) < count and self.thread is None:
                self.keep(self.consumer.poll(50))
            return len(self.records) >= count

        until(f"{count} records of {self.topic} are read", enough)
        return self.records

    def values(self, count):
        return [record.value for record in self.read(count)]

    def assigned(self):
        return sorted(part.partition for part in self.consumer.assignment())

    def close(self):
        self.consumer.close(autocommit=False)
        if self.thread is not None:
            self.thread.join()


class Listener(ConsumerRebalanceListener):
    def __init__(self, events):
        self.events = events

    def note(self, kind, revoked):
        self.events.append((kind, sorted(part.partition for part in revoked)))

    def on_partitions_assigned(self, assigned):
        self.note("assign", assigned)

    def on_partitions_revoked(self, revoked):
        self.note("revoke", revoked)

    def on_partitions_lost(self, lost):
        self.note("lost", lost)
