"""kafka-python in groups."""

from client import Reader, admin, bootstrap, create_topic, messages, produce
from kafka import TopicPartition, errors
from kafka.admin import MemberToRemove
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.structs import OffsetAndMetadata
from python_harness import crashed_worker, expect, hold, numbered, shared, unique, until


def both_share(one, two):
    return shared([one.assigned(), two.assigned()], 4)


def described(group):
    return admin().describe_groups([group])[group]


def rebalances():
    for assignor in (RangePartitionAssignor, RoundRobinPartitionAssignor, StickyPartitionAssignor):
        topic, group = create_topic("rebalance", 4), unique("rebalance")
        member = lambda: Reader(topic, group, partition_assignment_strategy=[assignor]).subscribe()
        one = member()
        until("one has all", lambda: one.assigned() == [0, 1, 2, 3])
        two = member()
        until("both share", lambda: both_share(one, two))
        expect([len(one.assigned()), len(two.assigned())], [2, 2], "fair shares")
        gains = [event for event in one.events if event[1]]
        expect(gains[:2], [("assign", [0, 1, 2, 3]), ("revoke", [0, 1, 2, 3])], "eager: all is given up")
        told = described(group)
        expect((told["group_state"], told["protocol_data"]), ("Stable", assignor.name), "description")
        for partition in range(4):
            produce(topic, messages(numbered(2), partition))
        until("all is read", lambda: len(one.records) == len(two.records) == 4)
        for reader in (one, two):
            expect(sorted({record.partition for record in reader.records}), reader.assigned(), "partitions read")
        two.close()
        until("one has all again", lambda: one.assigned() == [0, 1, 2, 3])
        one.close()


def cooperative():
    topic, group = create_topic("cooperative", 4), unique("cooperative")
    member = lambda: Reader(topic, group, partition_assignment_strategy=[CooperativeStickyAssignor]).subscribe()
    one = member()
    until("one has all", lambda: one.assigned() == [0, 1, 2, 3])
    two = member()
    until("both share", lambda: both_share(one, two) and len(one.assigned()) == 2)
    revoked = [parts for kind, parts in one.events if kind == "revoke" and parts]
    expect(revoked, [two.assigned()], "only what moves is given up")
    expect(described(group)["protocol_data"], "cooperative-sticky", "assignor")
    two.close()
    until("one has all again", lambda: one.assigned() == [0, 1, 2, 3])
    one.close()


def static_members():
    topic, group = create_topic("static", 4), unique("static")
    member = lambda name: Reader(topic, group, group_instance_id=name).subscribe()
    one, two = member("one"), member("two")
    until("both share", lambda: both_share(one, two))
    held = one.assigned()
    ids = lambda: {each["group_instance_id"]: each["member_id"] for each in described(group)["members"]}
    before = ids()
    expect(sorted(before), ["one", "two"], "instances")

    # A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
    events = list(two.events)
    one.close()
    again = member("one")
    until("it has its partitions again", lambda: again.assigned() == held)
    expect(two.events, events, "rebalances of the other")
    expect(ids()["two"], before["two"], "member id of the other")
    expect(ids()["one"] != before["one"], True, "the one that returned has a new member id")

    # A second one of the same name fences the first.
    usurper = member("one")
    until("the second has its place", lambda: usurper.assigned() == held)

    def fenced():
        try:
            position = OffsetAndMetadata(1, "", -1)
            again.consumer.commit({TopicPartition(topic, held[0]): position})
        except errors.FencedInstanceIdError:
            return True
        return False

    until("the first is fenced", fenced)

    # A member that is gone for good is taken out by its instance id.
    two.close()
    removed = admin().remove_group_members(group, [MemberToRemove(group_instance_id="two")])
    expect(list(removed.values()), [errors.NoError], "removal")
    until("the other has all", lambda: usurper.assigned() == [0, 1, 2, 3])
    usurper.close()


def crash_and_resume():
    topic, group = create_topic("crash"), unique("crash")
    produce(topic, messages(numbered(20)))
    crashed_worker(bootstrap, topic, group)
    reader = Reader(topic, group).subscribe()
    expect([record.offset for record in reader.read(12)], list(range(8, 20)), "what the successor reads")
    reader.close()


def crash_worker(topic, group):
    """Commits after every fourth record, and holds the one at offset 10 until it is killed."""
    reader = Reader(topic, group).subscribe()
    for offset in range(20):
        expect(reader.read(offset + 1)[offset].offset, offset, "offset")
        if offset == 10:
            hold()
        if (offset + 1) % 4 == 0:
            position = OffsetAndMetadata(offset + 1, "", -1)
            reader.consumer.commit({TopicPartition(topic, 0): position})
