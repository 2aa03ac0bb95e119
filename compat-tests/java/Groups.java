import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedInstanceIdException;

/** How members of a group share its partitions, and what is left when one of them dies. */
final class Groups {
  private static final String ASSIGNORS = "org.apache.kafka.clients.consumer.";

  private Groups() {}

  static String rebalances() throws Exception {
    Map<String, String> assignors =
        Map.of("RangeAssignor", "range", "RoundRobinAssignor", "roundrobin", "StickyAssignor", "sticky");
    for (Map.Entry<String, String> assignor : assignors.entrySet()) {
      String topic = Clients.createTopic("rebalance", 4);
      String group = Features.unique("rebalance");
      Map<String, Object> settings = Map.of("partition.assignment.strategy", ASSIGNORS + assignor.getKey());
      try (Clients.Reader one = Clients.Reader.inGroup(topic, group, settings)) {
        settle("one has all", () -> shared(4, one), one);
        Clients.Reader two = Clients.Reader.inGroup(topic, group, settings);
        settle("both share", () -> shared(4, one, two), one, two);
        Features.expect(one.held().size(), 2, "a fair share");
        Features.expect(
            one.rebalances.subList(0, 2),
            List.of("assigned [0, 1, 2, 3]", "revoked [0, 1, 2, 3]"),
            "eager: all is given up");
        ConsumerGroupDescription described = describe(group);
        Features.expect(described.partitionAssignor(), assignor.getValue(), "assignor");
        Features.expect(described.groupState().toString(), "Stable", "state");
        two.close();
        settle("one has all again", () -> shared(4, one), one);
      }
    }
    return null;
  }

  static String cooperative() throws Exception {
    String topic = Clients.createTopic("cooperative", 4);
    String group = Features.unique("cooperative");
    Map<String, Object> settings = Map.of("partition.assignment.strategy", ASSIGNORS + "CooperativeStickyAssignor");
    try (Clients.Reader one = Clients.Reader.inGroup(topic, group, settings)) {
      settle("one has all", () -> shared(4, one), one);
      Clients.Reader two = Clients.Reader.inGroup(topic, group, settings);
      settle("both share", () -> shared(4, one, two), one, two);
      Features.expect(
          one.rebalances, List.of("assigned [0, 1, 2, 3]", "revoked " + two.held()), "only what moves is given up");
      two.close();
      settle("one has all again", () -> shared(4, one), one);
    }
    return null;
  }

  static String staticMembers() throws Exception {
    String topic = Clients.createTopic("static", 4);
    String group = Features.unique("static");
    Map<String, Object> nameOne = Map.of("group.instance.id", "one");
    Clients.Reader one = Clients.Reader.inGroup(topic, group, nameOne);
    Clients.Reader two = Clients.Reader.inGroup(topic, group, Map.of("group.instance.id", "two"));
    settle("both share", () -> shared(4, one, two), one, two);
    TreeSet<Integer> held = new TreeSet<>(one.held());
    List<String> rebalances = new ArrayList<>(two.rebalances);
    Map<String, String> ids = memberIds(group);

    // A static member that goes away for a moment is not missed: the same partitions, and no rebalance elsewhere.
    one.close();
    Clients.Reader again = Clients.Reader.inGroup(topic, group, nameOne);
    settle("it has its partitions again", () -> again.held().equals(held), again, two);
    Map<String, String> now = memberIds(group);
    Features.expect(now.get("two"), ids.get("two"), "member id of the other");
    Features.expect(now.get("one").equals(ids.get("one")), false, "it kept its old member id");
    Features.expect(two.rebalances, rebalances, "rebalances of the other");

    // A second one of the same name fences the first.
    Clients.Reader usurper = Clients.Reader.inGroup(topic, group, nameOne);
    Features.until("the first is fenced", () -> {
      usurper.poll();
      two.poll();
      try {
        again.poll();
      } catch (FencedInstanceIdException fenced) {
        return true;
      }
      return false;
    });
    again.close();

    // A member that is gone for good is taken out by its instance id.
    two.close();
    Clients.admin()
        .removeMembersFromConsumerGroup(
            group, new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("two"))))
        .all()
        .get();
    settle("the other has all", () -> shared(4, usurper), usurper);
    usurper.close();
    return null;
  }

  static String crashAndResume() throws Exception {
    String topic = Clients.createTopic("crash", 1);
    String group = Features.unique("crash");
    Clients.produce(Map.of(), Clients.numbered(topic, 0, 20));
    Process worker = new ProcessBuilder(
            ProcessHandle.current().info().command().orElse("java"),
            "-XX:TieredStopAtLevel=1",
            "-Xmx128m",
            "-cp",
            System.getProperty("java.class.path"),
            "Features",
            Features.bootstrap,
            "--worker",
            topic,
            group)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
    Features.expect(Features.lines(worker).readLine(), "holding 10", "the worker");
    worker.destroyForcibly();
    Features.expect(worker.waitFor(), 128 + 9, "the worker's end");
    try (Clients.Reader successor = Clients.Reader.inGroup(topic, group, Map.of())) {
      List<Long> expected = IntStream.range(8, 20).mapToObj(Long::valueOf).collect(Collectors.toList());
      Features.expect(successor.offsets(12), expected, "what the successor reads");
    }
    return null;
  }

  /**
   * Commits after every fourth record, and holds the one at offset 10 until it is killed, or until nobody holds the
   * other end of its stdin.
   */
  static void crashWorker(String topic, String group) throws Exception {
    Thread watch = new Thread(() -> {
      try {
        System.in.read();
      } catch (java.io.IOException gone) {
        // The same as its end.
      }
      Runtime.getRuntime().halt(1);
    });
    watch.setDaemon(true);
    watch.start();
    Clients.Reader reader = Clients.Reader.inGroup(topic, group, Map.of());
    for (int next = 0; ; next++) {
      ConsumerRecord<String, String> record = reader.read(next + 1).get(next);
      if (record.offset() == 10) {
        System.out.println("holding 10");
        watch.join();
      }
      if ((record.offset() + 1) % 4 == 0) {
        reader.consumer.commitSync(
            Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(record.offset() + 1)));
      }
    }
  }

  /** Polls all readers in turn until `probe` holds. */
  static void settle(String what, Features.Probe probe, Clients.Reader... readers) throws Exception {
    Features.until(what, () -> {
      for (Clients.Reader reader : readers) reader.poll();
      return probe.holds();
    });
  }

  /** Each of partitions 0 to `count` - 1 is held by exactly one reader, and no reader holds nothing. */
  private static boolean shared(int count, Clients.Reader... readers) {
    List<Integer> all = new ArrayList<>();
    for (Clients.Reader reader : readers) {
      if (reader.held().isEmpty()) return false;
      all.addAll(reader.held());
    }
    all.sort(null);
    return all.equals(IntStream.range(0, count).boxed().collect(Collectors.toList()));
  }

  private static ConsumerGroupDescription describe(String group) throws Exception {
    return Clients.admin().describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
  }

  private static Map<String, String> memberIds(String group) throws Exception {
    Map<String, String> ids = new TreeMap<>();
    for (MemberDescription member : describe(group).members()) {
      ids.put(member.groupInstanceId().orElse(""), member.consumerId());
    }
    return ids;
  }
}
