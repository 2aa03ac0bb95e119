"""aiokafka as these tests use it: quick to retry, with the shortest session that a broker grants by default."""

import asyncio
import contextlib
import inspect
import logging
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from python_harness import DEADLINE_S, SESSION_TIMEOUT_MS, unique

# What goes wrong shows in what the features themselves wait for.
logging.disable(logging.CRITICAL)

bootstrap = sys.argv[1]


@contextlib.asynccontextmanager
async def admin():
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def create_topic(name, partitions=1):
    topic = unique(name)
    async with admin() as client:
        await client.create_topics([NewTopic(topic, partitions, 1)])
    return topic


async def produce(topic, messages, **settings):
    """Sends dicts of send() arguments in order; returns what was told of each."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **{"linger_ms": 5, "retry_backoff_ms": 20, **settings})
    await producer.start()
    try:
        sent = [await producer.send(topic, **message) for message in messages]
        return await asyncio.gather(*sent)
    finally:
        await producer.stop()


def messages(values, partition=0):
    return [{"value": value, "partition": partition} for value in values]


async def until(what, probe):
    """Asks `probe` until its answer, or what that comes to, is true."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        answer = probe()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError(f"{what}: not so within {DEADLINE_S} s")


class Reader:
    """A consumer of one topic that remembers how it was assigned."""

    def __init__(self, topic, group=None, **settings):
        self.topic = topic
        self.events = []
        defaults = {
            "bootstrap_servers": bootstrap,
            "group_id": group,
            "auto_offset_reset": "earliest",
            "enable_auto_commit": False,
            "session_timeout_ms": SESSION_TIMEOUT_MS,
            "heartbeat_interval_ms": 100,
            "rebalance_timeout_ms": 10_000,
            "fetch_max_wait_ms": 50,
            "retry_backoff_ms": 20,
        }
        self.consumer = AIOKafkaConsumer(**{**defaults, **settings})

    async def subscribe(self):
        self.consumer.subscribe([self.topic], listener=Listener(self.events))
        await self.consumer.start()
        return self

    async def assign(self, *partitions):
        await self.consumer.start()
        self.consumer.assign([TopicPartition(self.topic, number) for number in partitions])
        return self

    async def read(self, count):
        """Waits until `count` records have come in."""
        deadline = time.monotonic() + DEADLINE_S
        left = lambda: max(0, deadline - time.monotonic())
        return [await asyncio.wait_for(self.consumer.getone(), left()) for _ in range(count)]

    async def values(self, count):
        return [record.value for record in await self.read(count)]

    async def offsets(self, count):
        return [record.offset for record in await self.read(count)]

    def assigned(self):
        return sorted(part.partition for part in self.consumer.assignment())

    async def close(self):
        await self.consumer.stop()


class Listener(ConsumerRebalanceListener):
    def __init__(self, events):
        self.events = events

    def on_partitions_assigned(self, assigned):
        self.events.append(("assign", sorted(part.partition for part in assigned)))

    def on_partitions_revoked(self, revoked):
        self.events.append(("revoke", sorted(part.partition for part in revoked)))
