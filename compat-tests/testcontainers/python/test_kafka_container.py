"""testcontainers' module for Kafka, in each of its modes. OTTLA_IMAGE and OTTLA_KRAFT_IMAGE name the image."""

import os

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.kafka import KafkaContainer

IMAGE = os.environ["OTTLA_IMAGE"]
# The same one, with a tag that stands for a version of Confluent's that has KRaft.
KRAFT_IMAGE = os.environ["OTTLA_KRAFT_IMAGE"]


def there_and_back(bootstrap):
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    offset = producer.send("there", b"and back").get(timeout=20).offset
    producer.close()
    assert offset == 0
    consumer = KafkaConsumer(
        "there",
        bootstrap_servers=bootstrap,
        group_id="readers",
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    values = [next(consumer).value]
    consumer.commit()
    consumer.close()
    assert values == [b"and back"]


def cluster_id(bootstrap):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return admin.describe_cluster()["cluster_id"]
    finally:
        admin.close()


def test_as_it_comes():
    with KafkaContainer(IMAGE) as kafka:
        there_and_back(kafka.get_bootstrap_server())


def test_with_kraft():
    with KafkaContainer(KRAFT_IMAGE).with_kraft() as kafka:
        there_and_back(kafka.get_bootstrap_server())
        # What kafka-storage was told is what the clients are.
        assert cluster_id(kafka.get_bootstrap_server()) == "MkU3OEVBNTcwNTJENDM2Qk"


def test_another_port():
    with KafkaContainer(IMAGE, port=19093) as kafka:
        there_and_back(kafka.get_bootstrap_server())


def test_from_another_container():
    with Network() as network:
        kafka = KafkaContainer(KRAFT_IMAGE).with_kraft().with_network(network).with_network_aliases("kafka")
        with kafka:
            there_and_back(kafka.get_bootstrap_server())
            listing = "kafka-topics --bootstrap-server kafka:9092 --list"
            other = DockerContainer(IMAGE).with_network(network).with_command(listing)
            with other:
                assert other.get_wrapped_container().wait(timeout=30)["StatusCode"] == 0
                assert b"there" in other.get_logs()[0]
