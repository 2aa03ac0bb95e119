import java.time.Duration;
import java.util.Arrays;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Counts words by Kafka Streams: of each word that is read, its new count is written, so that whoever reads the counts
 * of a word sees 1, 2, 3, ... and nothing else.
 *
 * <p>usage: WordCount BOOTSTRAP APPLICATION-ID INPUT OUTPUT STATE-DIR GUARANTEE
 *
 * <p>Prints its state whenever that changes. Ends when its stdin does.
 */
public final class WordCount {
  private WordCount() {}

  public static void main(String[] args) throws Exception {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    config.put(StreamsConfig.STATE_DIR_CONFIG, args[4]);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, args[5]);
    // Much is written between two commits, so that who is killed leaves something behind.
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 300);
    config.put(StreamsConfig.producerPrefix("linger.ms"), 5);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    // Each new count is written, not only the last one before a commit.
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    config.put(StreamsConfig.producerPrefix("transaction.timeout.ms"), 10_000);
    // Who is killed shall not be waited for long.
    config.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 2_000);
    config.put(StreamsConfig.consumerPrefix("heartbeat.interval.ms"), 200);
    config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    config.put("reconnect.backoff.max.ms", 200);
    config.put("retry.backoff.ms", 50);

    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(args[2], Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts")
            .withKeySerde(Serdes.String())
            .withValueSerde(Serdes.Long()))
        .toStream()
        .mapValues(count -> String.valueOf(count))
        .to(args[3], Produced.with(Serdes.String(), Serdes.String()));

    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    CountDownLatch ended = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      System.out.println(now);
      if (now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING) ended.countDown();
    });
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.REPLACE_THREAD;
    });
    streams.start();
    Thread input = new Thread(() -> {
      try {
        System.in.transferTo(java.io.OutputStream.nullOutputStream());
      } catch (java.io.IOException error) {
        System.err.println(error);
      }
      ended.countDown();
    });
    input.setDaemon(true);
    input.start();
    ended.await();
    System.exit(streams.close(Duration.ofSeconds(20)) ? 0 : 1);
  }
}
