"""aiokafka in groups."""

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from client import Reader, admin, bootstrap, create_topic, messages, produce, until
from python_harness import crashed_worker, expect, hold, numbered, shared, unique


def both_share(one, two):
    return shared([one.assigned(), two.assigned()], 4)


async def described(group):
    """(error, group, state, protocol type, assignor, members, ...), a member being (id, client id, host, ...)."""
    async with admin() as client:
        return (await client.describe_consumer_groups([group]))[0].groups[0]


async def rebalances():
    for assignor in (RangePartitionAssignor, RoundRobinPartitionAssignor, StickyPartitionAssignor):
        topic, group = await create_topic("rebalance", 4), unique("rebalance")
        member = lambda: Reader(topic, group, partition_assignment_strategy=[assignor]).subscribe()
        one = await member()
        await until("one has all", lambda: one.assigned() == [0, 1, 2, 3])
        two = await member()
        await until("both share", lambda: both_share(one, two))
        expect([len(one.assigned()), len(two.assigned())], [2, 2], "fair shares")
        gains = [event for event in one.events if event[1]]
        expect(gains[:2], [("assign", [0, 1, 2, 3]), ("revoke", [0, 1, 2, 3])], "eager: all is given up")
        expect((await described(group))[2:5], ("Stable", "consumer", assignor.name), "description")
        for partition in range(4):
            await produce(topic, messages(numbered(2), partition))
        for reader in (one, two):
            read = await reader.read(4)
            expect(sorted({record.partition for record in read}), reader.assigned(), "partitions read")
        await two.close()
        await until("one has all again", lambda: one.assigned() == [0, 1, 2, 3])
        await one.close()


async def static_members():
    topic, group = await create_topic("static", 4), unique("static")
    member = lambda name: Reader(topic, group, group_instance_id=name).subscribe()
    one, two = await member("one"), await member("two")
    await until("both share", lambda: both_share(one, two))

    async def ids():
        """A broker makes the member id of a static member of its name."""
        return {each[0].split("-")[0]: each[0] for each in (await described(group))[5]}

    held, before = one.assigned(), await ids()

    # A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
    events = list(two.events)
    await one.close()
    again = await member("one")
    await until("it has its partitions again", lambda: again.assigned() == held)
    expect(two.events, events, "rebalances of the other")
    now = await ids()
    expect(now["two"], before["two"], "member id of the other")
    expect(now["one"] != before["one"], True, "the one that returned has a new member id")
    for reader in (again, two):
        await reader.close()


async def crash_and_resume():
    topic, group = await create_topic("crash"), unique("crash")
    await produce(topic, messages(numbered(20)))
    crashed_worker(bootstrap, topic, group)
    reader = await Reader(topic, group).subscribe()
    expect(await reader.offsets(12), list(range(8, 20)), "what the successor reads")
    await reader.close()


async def crash_worker(topic, group):
    """Commits after every fourth record, and holds the one at offset 10 until it is killed."""
    reader = await Reader(topic, group).subscribe()
    while True:
        record = await reader.consumer.getone()
        if record.offset == 10:
            hold()
        if (record.offset + 1) % 4 == 0:
            await reader.consumer.commit({TopicPartition(topic, 0): record.offset + 1})
