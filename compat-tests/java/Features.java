import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * The features of Apache Kafka's own Java clients, shown one by one.
 *
 * <p>usage: Features BOOTSTRAP FEATURE...
 *
 * <p>Runs every named feature, all side by side, and prints a JSON object per line for each when it has ended:
 * {"feature": ..., "error": null or the reason} and, where something was stored, {"topic": ...} to look at.
 */
public final class Features {
  /** Shows one feature, and tells the topic to look at or null. It fails by throwing. */
  interface Feature {
    String show() throws Exception;
  }

  static final long DEADLINE_MS = 40_000;

  static String bootstrap;

  private static final PrintStream OUT = System.out;
  private static final Map<String, Feature> FEATURES = new LinkedHashMap<>();

  static {
    for (String codec : List.of("gzip", "snappy", "lz4", "zstd")) FEATURES.put(codec, () -> Records.codec(codec));
    FEATURES.put("headers", Records::headers);
    FEATURES.put("keys", Records::keys);
    FEATURES.put("null values", Records::nullValues);
    FEATURES.put("acks 0, 1 and all", Records::acks);
    FEATURES.put("seeks", Records::seeks);
    FEATURES.put("offsets by time", Records::offsetsByTime);
    FEATURES.put("idempotence", Records::idempotence);
    FEATURES.put("transactions", Transactions::all);
    FEATURES.put("offsets in transactions", Transactions::withOffsets);
    FEATURES.put("a former member's offsets", Transactions::fencedByGeneration);
    FEATURES.put("an overdue transaction", Transactions::timeout);
    FEATURES.put("groups with rebalances", Groups::rebalances);
    FEATURES.put("cooperative rebalances", Groups::cooperative);
    FEATURES.put("static members", Groups::staticMembers);
    FEATURES.put("crash and resume", Groups::crashAndResume);
    FEATURES.put("admin: topics", Admins::topics);
    FEATURES.put("admin: groups and offsets", Admins::groups);
    FEATURES.put("admin: configs", Clusters::configs);
    FEATURES.put("admin: cluster", Clusters::cluster);
  }

  private Features() {}

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    List<String> features = Arrays.asList(args).subList(1, args.length);
    if (features.get(0).equals("--worker")) {
      Groups.crashWorker(features.get(1), features.get(2));
      return;
    }
    List<Thread> threads = new ArrayList<>();
    for (String feature : features) {
      Thread thread = new Thread(() -> run(feature), feature);
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) thread.join();
    System.exit(0);
  }

  private static void run(String feature) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("feature", feature);
    told.put("error", null);
    try {
      if (feature.equals("version")) {
        told.put("client", AppInfoParser.getVersion());
      } else {
        String topic = FEATURES.get(feature).show();
        if (topic != null) told.put("topic", topic);
      }
    } catch (Throwable error) {
      StringWriter trace = new StringWriter();
      error.printStackTrace(new PrintWriter(trace));
      told.put("error", trace.toString());
    }
    try {
      String line = new ObjectMapper().writeValueAsString(told);
      synchronized (OUT) {
        OUT.println(line);
        OUT.flush();
      }
    } catch (java.io.IOException impossible) {
      throw new AssertionError(impossible);
    }
  }

  static String unique(String name) {
    return name + "-" + UUID.randomUUID().toString().substring(0, 8);
  }

  static void expect(Object actual, Object expected, String what) {
    if (expected instanceof List) actual = new ArrayList<>((Collection<?>) actual);
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(what + ": expected " + expected + ", got " + actual);
    }
  }

  /** What is asked again and again; a probe that polls a client waits by itself. */
  interface Probe {
    boolean holds() throws Exception;
  }

  static void until(String what, Probe probe) throws Exception {
    long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000;
    while (!probe.holds()) {
      if (System.nanoTime() > deadline) throw new AssertionError(what + ": not so within " + DEADLINE_MS + " ms");
      Thread.sleep(5);
    }
  }

  /** The reason of what `action` throws, without the wrappers of futures. */
  static Class<?> refusal(Feature action) {
    try {
      action.show();
    } catch (Exception error) {
      Throwable reason = error;
      while (reason instanceof java.util.concurrent.ExecutionException) reason = reason.getCause();
      return reason.getClass();
    }
    return null;
  }

  static BufferedReader lines(Process process) {
    return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }
}
