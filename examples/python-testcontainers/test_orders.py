"""
Python with testcontainers: the module for Kafka, with another image.

    pip install -r requirements.txt
    pytest
"""

import os

import pytest
from kafka import KafkaConsumer, KafkaProducer
from testcontainers.community.kafka import KafkaContainer

IMAGE = os.environ.get("OTTLA_IMAGE", "ottla:0.1.0")


@pytest.fixture(scope="session")
def bootstrap_server():
    with KafkaContainer(IMAGE) as kafka:
        yield kafka.get_bootstrap_server()


def test_an_order_arrives(bootstrap_server):
    producer = KafkaProducer(bootstrap_servers=bootstrap_server)
    producer.send("orders", key=b"42", value=b"one large coffee").get(timeout=10)
    producer.close()

    consumer = KafkaConsumer(
        "orders",
        bootstrap_servers=bootstrap_server,
        group_id="barista",
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    order = next(consumer)
    consumer.close()

    assert (order.key, order.value) == (b"42", b"one large coffee")
