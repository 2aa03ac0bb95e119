/*
 * Makes golden-batches.jsonl.gz, the record batches that golden-batches.test.ts reads, walks and builds. Given a
 * directory with the jars of Apache Kafka (org.apache.kafka:kafka-clients and what it depends on) and JDK 17 or newer:
 *
 *     java -cp 'jars/*' src/wire/golden-batches/GoldenBatches.java src/wire/golden-batches/golden-batches.jsonl.gz
 *
 * A line holds a batch's name, its bytes (base64), what Kafka reads in its header and the records that Kafka reads in
 * it: int64 as decimal strings, keys and values as base64, or as their length and CRC-32C where they are long.
 * What stands under "foreign" is compressed by other means than Kafka's producer, in ways that its broker reads.
 */
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import java.io.ByteArrayOutputStream;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.compress.Lz4BlockOutputStream;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.xerial.snappy.Snappy;

public final class GoldenBatches {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long NOW = 1_700_000_000_000L;

    public static void main(String[] arguments) throws Exception {
        List<ObjectNode> lines = new ArrayList<>();
        for (Map.Entry<String, Compression> codec : codecs().entrySet()) {
            for (Map.Entry<String, List<SimpleRecord>> records : recordSets().entrySet()) {
                SimpleRecord[] set = records.getValue().toArray(new SimpleRecord[0]);
                lines.add(line(records.getKey() + " " + codec.getKey(),
                    MemoryRecords.withRecords(codec.getValue(), set).buffer()));
            }
        }
        lines.add(line("header log append time", withHeader(TimestampType.LOG_APPEND_TIME, 1234567, NOW + 5, -1, (short) -1, -1, false, 9)));
        lines.add(line("header idempotent", withHeader(TimestampType.CREATE_TIME, 1L << 40, -1, 1L << 41, (short) 32767, 2147483646, false, 0)));
        lines.add(line("header transactional", withHeader(TimestampType.CREATE_TIME, 0, -1, 7, (short) 3, 0, true, 2147483647)));
        for (ControlRecordType type : List.of(ControlRecordType.COMMIT, ControlRecordType.ABORT)) {
            lines.add(line("marker " + type, MemoryRecords.withEndTransactionMarker(
                77, NOW, 4, 1000, (short) 5, new EndTransactionMarker(type, 21)).buffer()));
        }
        foreign(lines);
        try (OutputStream out = new GZIPOutputStream(new FileOutputStream(arguments[0]))) {
            for (ObjectNode line : lines) out.write((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
        }
    }

    private static Map<String, Compression> codecs() {
        Map<String, Compression> codecs = new LinkedHashMap<>();
        codecs.put("none", Compression.NONE);
        codecs.put("gzip", Compression.gzip().build());
        codecs.put("gzip 9", Compression.gzip().level(9).build());
        codecs.put("snappy", Compression.snappy().build());
        codecs.put("lz4", Compression.lz4().build());
        codecs.put("lz4 17", Compression.lz4().level(17).build());
        codecs.put("zstd", Compression.zstd().build());
        codecs.put("zstd -5", Compression.zstd().level(-5).build());
        codecs.put("zstd 1", Compression.zstd().level(1).build());
        codecs.put("zstd 19", Compression.zstd().level(19).build());
        return codecs;
    }

    private static Map<String, List<SimpleRecord>> recordSets() {
        Map<String, List<SimpleRecord>> sets = new LinkedHashMap<>();
        sets.put("one", List.of(new SimpleRecord(NOW, utf8("key"), utf8("value"))));
        sets.put("nulls", List.of(
            new SimpleRecord(NOW, (byte[]) null, utf8("no key")),
            new SimpleRecord(NOW + 1, utf8("tombstone"), null),
            new SimpleRecord(NOW + 2, (byte[]) null, (byte[]) null),
            new SimpleRecord(NOW + 3, new byte[0], new byte[0])));
        sets.put("headers", List.of(new SimpleRecord(NOW, utf8("k"), utf8("v"), new Header[] {
            new RecordHeader("trace", utf8("abc")), new RecordHeader("trace", utf8("again")),
            new RecordHeader("", new byte[0]), new RecordHeader("null", (byte[]) null),
            new RecordHeader("Grüße 你好 🙂", new byte[300])})));
        sets.put("times", List.of(
            new SimpleRecord(NOW, utf8("a"), null), new SimpleRecord(0, utf8("b"), null),
            new SimpleRecord(-1, utf8("c"), null), new SimpleRecord(1L << 53, utf8("d"), null),
            new SimpleRecord(Long.MAX_VALUE, utf8("e"), null)));
        List<SimpleRecord> many = new ArrayList<>();
        Random random = new Random(42);
        for (int i = 0; i < 150; i++) {
            StringBuilder text = new StringBuilder("{\"id\":").append(i);
            for (int words = random.nextInt(9); words > 0; words--) text.append(",\"field").append(random.nextInt(40)).append("\":").append(random.nextInt(1 << random.nextInt(20)));
            many.add(new SimpleRecord(NOW + random.nextInt(1000) - 500, utf8("user-" + random.nextInt(100)), utf8(text.append('}').toString())));
        }
        sets.put("many", many);
        byte[] noise = new byte[1500];
        random.nextBytes(noise);
        sets.put("noise", List.of(new SimpleRecord(NOW, null, noise)));
        // Runs, noise that comes back from far away, and letters of uneven frequency: several blocks of every codec,
        // and yet few bytes when compressed.
        byte[] pool = new byte[2400];
        random.nextBytes(pool);
        for (int i = 600; i < pool.length; i++) pool[i] = (byte) ('a' + random.nextInt(1 + random.nextInt(26)));
        ByteBuffer large = ByteBuffer.allocate(300_000);
        while (large.remaining() > 20_000) {
            for (int run = random.nextInt(9000); run > 0; run--) large.put((byte) 'x');
            large.put(pool, random.nextInt(1600), 50 + random.nextInt(750));
            int from = random.nextInt(1 + large.position() / 2);
            large.put(large.array(), from, Math.min(9000, large.position() - from));
        }
        byte[] bytes = new byte[large.position()];
        large.flip().get(bytes);
        sets.put("large", List.of(new SimpleRecord(NOW, utf8("large"), bytes), new SimpleRecord(NOW, utf8("small"), utf8("behind it"))));
        return sets;
    }

    private static ByteBuffer withHeader(TimestampType type, long baseOffset, long logAppendTime, long producerId,
            short producerEpoch, int baseSequence, boolean isTransactional, int leaderEpoch) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1000), RecordBatch.CURRENT_MAGIC_VALUE,
            Compression.NONE, type, baseOffset, logAppendTime, producerId, producerEpoch, baseSequence, isTransactional, leaderEpoch);
        builder.append(NOW, utf8("a"), utf8("1"));
        builder.append(NOW + 10, utf8("b"), utf8("2"));
        builder.append(NOW - 10, utf8("c"), utf8("3"));
        return builder.build().buffer();
    }

    private static void foreign(List<ObjectNode> lines) throws Exception {
        List<SimpleRecord> records = new ArrayList<>(recordSets().get("many"));
        records.addAll(recordSets().get("large"));
        ByteBuffer plainBatch = MemoryRecords.withRecords(Compression.NONE, records.toArray(new SimpleRecord[0])).buffer();
        byte[] plain = new byte[plainBatch.remaining() - DefaultRecordBatch.RECORD_BATCH_OVERHEAD];
        plainBatch.duplicate().position(DefaultRecordBatch.RECORD_BATCH_OVERHEAD).get(plain);

        for (int blockSize : new int[] {5, 7}) {
            ByteArrayOutputStream lz4 = new ByteArrayOutputStream();
            try (OutputStream out = new Lz4BlockOutputStream(lz4, blockSize, 9, true, false)) { out.write(plain, 0, plain.length); }
            lines.add(line("foreign lz4 block checksums " + blockSize, repacked(plainBatch, CompressionType.LZ4, lz4.toByteArray())));
        }
        lines.add(line("foreign snappy raw", repacked(plainBatch, CompressionType.SNAPPY, Snappy.compress(plain))));
        ByteArrayOutputStream gzip = new ByteArrayOutputStream();
        for (int member = 0; member < 3; member++) {
            try (GZIPOutputStream out = new GZIPOutputStream(gzip)) {
                int from = plain.length / 3 * member;
                out.write(plain, from, member == 2 ? plain.length - from : plain.length / 3);
            }
        }
        gzip.write(utf8("garbage that Java ignores"));
        lines.add(line("foreign gzip members and garbage", repacked(plainBatch, CompressionType.GZIP, gzip.toByteArray())));
        for (int level : new int[] {-1, 3, 12, 22}) {
            ZstdCompressCtx context = new ZstdCompressCtx().setLevel(level).setChecksum(true).setContentSize(true);
            lines.add(line("foreign zstd single segment " + level, repacked(plainBatch, CompressionType.ZSTD, context.compress(plain))));
        }
        ByteArrayOutputStream frames = new ByteArrayOutputStream();
        frames.write(Zstd.compress(java.util.Arrays.copyOf(plain, 1000), 3));
        frames.write(new byte[] {0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3});
        frames.write(Zstd.compress(java.util.Arrays.copyOfRange(plain, 1000, plain.length), 3));
        lines.add(line("foreign zstd frames", repacked(plainBatch, CompressionType.ZSTD, frames.toByteArray())));
        ZstdCompressCtx distant = new ZstdCompressCtx().setLevel(3).setLong(27).setContentSize(false);
        lines.add(line("foreign zstd long window", repacked(plainBatch, CompressionType.ZSTD, distant.compress(plain))));
    }

    /** The batch with other bytes for its records, compressed. */
    private static ByteBuffer repacked(ByteBuffer batch, CompressionType type, byte[] payload) {
        RecordBatch header = MemoryRecords.readableRecords(batch.duplicate()).batches().iterator().next();
        ByteBuffer out = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD + payload.length);
        out.position(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        out.put(payload).flip();
        DefaultRecordBatch.writeHeader(out, 0, (int) header.lastOffset(), out.limit(), RecordBatch.CURRENT_MAGIC_VALUE, type,
            TimestampType.CREATE_TIME, ((DefaultRecordBatch) header).baseTimestamp(), header.maxTimestamp(),
            -1, (short) -1, -1, false, false, false, -1, header.countOrNull());
        return out.position(0);
    }

    private static ObjectNode line(String name, ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        DefaultRecordBatch batch = (DefaultRecordBatch) MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches().iterator().next();
        batch.ensureValid();
        ObjectNode line = JSON.createObjectNode();
        line.put("name", name).put("bytes", Base64.getEncoder().encodeToString(bytes));
        line.put("baseOffset", "" + batch.baseOffset()).put("lastOffset", "" + batch.lastOffset());
        line.put("leaderEpoch", batch.partitionLeaderEpoch()).put("codec", batch.compressionType().id);
        line.put("timestampType", batch.timestampType().id).put("isTransactional", batch.isTransactional());
        line.put("isControl", batch.isControlBatch()).put("baseTimestamp", "" + batch.baseTimestamp());
        line.put("maxTimestamp", "" + batch.maxTimestamp()).put("producerId", "" + batch.producerId());
        line.put("producerEpoch", batch.producerEpoch()).put("baseSequence", batch.baseSequence());
        line.put("lastSequence", batch.lastSequence());
        ArrayNode records = line.putArray("records");
        for (Record record : batch) {
            ObjectNode node = records.addObject();
            node.put("offset", "" + record.offset()).put("timestamp", "" + record.timestamp());
            node.put("key", text(record.key())).put("value", text(record.value()));
            ArrayNode headers = node.putArray("headers");
            for (Header header : record.headers()) {
                byte[] value = header.value();
                headers.addArray().add(header.key()).add(value == null ? null : text(ByteBuffer.wrap(value)));
            }
        }
        return line;
    }

    private static String text(ByteBuffer content) {
        if (content == null) return null;
        byte[] bytes = new byte[content.remaining()];
        content.duplicate().get(bytes);
        if (bytes.length <= 500) return Base64.getEncoder().encodeToString(bytes);
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return bytes.length + " bytes, CRC-32C " + crc.getValue();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
