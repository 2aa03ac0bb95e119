/*
 * Makes golden-vectors.jsonl.gz, the vectors that golden.test.ts holds the generated messages against. Given a
 * directory with the jars of Apache Kafka (org.apache.kafka:kafka_2.13 and what it depends on) and JDK 17 or newer:
 *
 *     java -cp 'jars/*' src/wire/golden/GoldenVectors.java src/wire/golden/golden-vectors.jsonl.gz
 *
 * For every message class of Kafka and every version of it there are vectors with defaults, with null wherever null
 * is allowed, with empty arrays, bytes and strings, with the smallest and the largest numbers, with text of many scripts, with lengths above 127, and with
 * seeded random content. A line holds the name, the version, what kind of vector it is, the bytes that Kafka writes
 * (base64) and the values that Kafka reads back from them: every field, int64 as decimal strings, bytes as base64.
 * Where Kafka's own JSON converter knows a field, it has to agree with what stands here.
 */
import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.zip.GZIPOutputStream;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

public final class GoldenVectors {
    private static final List<String> PACKAGES = List.of(
        "org/apache/kafka/common/message/",
        "org/apache/kafka/common/metadata/",
        "org/apache/kafka/coordinator/group/generated/",
        "org/apache/kafka/coordinator/share/generated/",
        "org/apache/kafka/coordinator/transaction/generated/");

    private static final String[] TEXTS = {
        "", "a", "topic-1", "group.id_2", "märz", "日本語", "𝄞 music", "a\u0000b", "\"quoted\" \\ text", "ÿ\u007f\u0080\u07ff\u0800\uffff"
    };

    private enum Kind { DEFAULTS, NULLS, EMPTY, SMALLEST, LARGEST, LONG, RANDOM_1, RANDOM_2 }

    public static void main(String[] args) throws Exception {
        if (args.length != 1) throw new IllegalArgumentException("give the name of the file to write");
        int messages = 0;
        int vectors = 0;
        try (Writer out = new OutputStreamWriter(new GZIPOutputStream(new FileOutputStream(args[0])) {
            { def.setLevel(9); }
        }, StandardCharsets.UTF_8)) {
            for (Class<?> type : messageClasses()) {
                messages++;
                short lowest = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
                short highest = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
                for (short version = lowest; version <= highest; version++) {
                    Set<String> seen = new LinkedHashSet<>();
                    for (Kind kind : Kind.values()) {
                        String line = new GoldenVectors(type, version, kind).line();
                        if (seen.add(line.substring(line.indexOf("\"bytes\"")))) {
                            out.write(line + "\n");
                            vectors++;
                        }
                    }
                }
            }
        }
        System.out.println(messages + " messages, " + vectors + " vectors");
    }

    /** Every generated message class of the jars on the class path, by name. */
    private static Collection<Class<?>> messageClasses() throws Exception {
        Map<String, Class<?>> found = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!path.endsWith(".jar")) continue;
            try (JarFile jar = new JarFile(path)) {
                for (String entry : jar.stream().map(e -> e.getName()).toList()) {
                    boolean wanted = PACKAGES.stream().anyMatch(entry::startsWith);
                    if (!wanted || !entry.endsWith(".class") || entry.contains("$")) continue;
                    Class<?> type = Class.forName(entry.substring(0, entry.length() - 6).replace('/', '.'));
                    if (!Message.class.isAssignableFrom(type) || type.isInterface()) continue;
                    short lowest = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
                    short highest = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
                    if (lowest <= highest) found.put(nameOf(type), type);
                }
            }
        }
        return found.values();
    }

    private static String nameOf(Class<?> type) {
        return type.getSimpleName().replaceFirst("(?<=(Request|Response)(Header)?)Data$", "");
    }

    private final Class<?> type;
    private final short version;
    private final Kind kind;
    private final Random random;

    private GoldenVectors(Class<?> type, short version, Kind kind) {
        this.type = type;
        this.version = version;
        this.kind = kind;
        this.random = new Random((nameOf(type) + version + kind).hashCode());
    }

    private String line() throws Exception {
        Message message = (Message) type.getConstructor().newInstance();
        if (kind != Kind.DEFAULTS) {
            Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
            fill(message, schemas[version], 0);
            if (kind == Kind.NULLS || kind.name().startsWith("RANDOM")) setNulls(message, message);
        }
        byte[] bytes = write(message);
        Constructor<?> reader = type.getConstructor(Readable.class, short.class);
        Message back = (Message) reader.newInstance(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), version);
        if (!Arrays.equals(bytes, write(back))) throw new IllegalStateException(type + " is not written as it was read");
        Object value = valueOf(back);
        compareWithConverter(back, value);
        StringBuilder json = new StringBuilder();
        json.append("{\"name\":\"").append(nameOf(type)).append("\",\"version\":").append(version);
        json.append(",\"kind\":\"").append(kind.name().toLowerCase(Locale.ROOT)).append("\",\"bytes\":\"");
        json.append(Base64.getEncoder().encodeToString(bytes)).append("\",\"value\":");
        appendJson(json, value);
        return json.append('}').toString();
    }

    private byte[] write(Message message) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException(type + " is smaller than it said");
        return buffer.array();
    }

    // ---- filling messages

    /** Gives every field that the version has a value of the kind asked for. */
    private void fill(Object struct, Schema schema, int depth) throws Exception {
        Map<String, Type> present = typesByName(schema);
        for (Field field : fieldsOf(struct.getClass())) {
            Type fieldType = present.get(field.getName().toLowerCase(Locale.ROOT));
            if (fieldType == null) continue;
            // A random message leaves some fields as they are, tagged ones too.
            if (kind.name().startsWith("RANDOM") && random.nextInt(8) == 0) continue;
            field.set(struct, make(field, fieldType, depth));
        }
    }

    private static Map<String, Type> typesByName(Schema schema) {
        Map<String, Type> types = new HashMap<>();
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                tagged.fields().values().forEach(f -> types.put(f.name.replace("_", ""), f.type));
            } else {
                types.put(bound.def.name.replace("_", ""), bound.def.type);
            }
        }
        return types;
    }

    private Object make(Field field, Type fieldType, int depth) throws Exception {
        Class<?> javaType = field.getType();
        if (Collection.class.isAssignableFrom(javaType)) return makeCollection(field, fieldType, depth);
        return makeOne(javaType, fieldType, depth);
    }

    @SuppressWarnings("unchecked")
    private Object makeCollection(Field field, Type fieldType, int depth) throws Exception {
        Class<?> javaType = field.getType();
        Class<?> element;
        Collection<Object> collection;
        if (javaType == List.class) {
            element = (Class<?>) ((ParameterizedType) field.getGenericType()).getActualTypeArguments()[0];
            collection = new ArrayList<>();
        } else {
            element = (Class<?>) ((ParameterizedType) javaType.getGenericSuperclass()).getActualTypeArguments()[0];
            collection = (Collection<Object>) javaType.getConstructor().newInstance();
        }
        boolean isStruct = Message.class.isAssignableFrom(element);
        int count = switch (kind) {
            case LONG -> isStruct ? (depth == 0 ? 2 : 1) : 130;
            case EMPTY -> 0;
            case RANDOM_1, RANDOM_2 -> random.nextInt(depth == 0 ? 4 : 3);
            default -> 1;
        };
        for (int i = 0; i < count; i++) {
            collection.add(makeOne(element, fieldType.arrayElementType().get(), depth + 1));
        }
        return collection;
    }

    private Object makeOne(Class<?> javaType, Type fieldType, int depth) throws Exception {
        if (javaType == boolean.class) return kind != Kind.SMALLEST && (kind != Kind.NULLS && random.nextBoolean());
        if (javaType == byte.class || javaType == Byte.class) return (byte) number(Byte.MIN_VALUE, Byte.MAX_VALUE);
        if (javaType == short.class || javaType == Short.class) return (short) number(Short.MIN_VALUE, Short.MAX_VALUE);
        if (javaType == int.class && fieldType == Type.UINT16) return (int) number(0, 0xffff);
        if (javaType == int.class || javaType == Integer.class) return (int) number(Integer.MIN_VALUE, Integer.MAX_VALUE);
        if (javaType == long.class && fieldType == Type.UNSIGNED_INT32) return number(0, 0xffffffffL);
        if (javaType == long.class || javaType == Long.class) return number(Long.MIN_VALUE, Long.MAX_VALUE);
        if (javaType == double.class) {
            if (kind == Kind.SMALLEST) return Double.MIN_VALUE;
            return kind == Kind.LARGEST ? Double.MAX_VALUE : (random.nextInt(2001) - 1000) / 8.0;
        }
        if (javaType == String.class) return text();
        if (javaType == Uuid.class) return uuid();
        if (javaType == byte[].class) return bytes();
        if (javaType == ByteBuffer.class) return ByteBuffer.wrap(bytes());
        if (BaseRecords.class.isAssignableFrom(javaType)) return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes()));
        if (Message.class.isAssignableFrom(javaType)) {
            Object struct = javaType.getConstructor().newInstance();
            fill(struct, (Schema) fieldType, depth + 1);
            return struct;
        }
        throw new IllegalStateException("what is a " + javaType + "?");
    }

    private long number(long min, long max) {
        return switch (kind) {
            case SMALLEST -> min;
            case LARGEST -> max;
            default -> {
                long[] likely = {0, 1, 2, 3, 7, 100, min, max, min + 1, max - 1, min == 0 ? 5 : -1, max / 3};
                yield likely[random.nextInt(likely.length)];
            }
        };
    }

    private String text() {
        return switch (kind) {
            case SMALLEST, EMPTY -> "";
            case LARGEST -> TEXTS[TEXTS.length - 1 - random.nextInt(6)];
            case LONG -> (random.nextBoolean() ? "0123456789" : "äöü日") .repeat(13 + random.nextInt(20));
            default -> TEXTS[random.nextInt(TEXTS.length)];
        };
    }

    private Uuid uuid() {
        return switch (kind) {
            case SMALLEST -> new Uuid(Long.MIN_VALUE, 0);
            case LARGEST -> new Uuid(-1, -1);
            default -> random.nextInt(4) == 0 ? Uuid.ZERO_UUID : new Uuid(0x0123456789abcdefL, random.nextInt(5));
        };
    }

    private byte[] bytes() {
        int length = switch (kind) {
            case SMALLEST, EMPTY -> 0;
            case LONG -> 5000;
            default -> random.nextInt(6);
        };
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) bytes[i] = (byte) (i * 37);
        return bytes;
    }

    // ---- nulls

    /** Makes everything below `owner` null that can be, by trying; for the other kinds just some of it. */
    private void setNulls(Message message, Object owner) throws Exception {
        for (Field field : fieldsOf(owner.getClass())) {
            if (field.getType().isPrimitive()) continue;
            Object before = field.get(owner);
            boolean always = kind == Kind.NULLS;
            if (always || random.nextInt(3) == 0) {
                field.set(owner, null);
                if (canBeWritten(message)) continue;
                field.set(owner, before);
            }
            if (before instanceof Message) setNulls(message, before);
            if (before instanceof Collection<?> collection) {
                for (Object element : collection) if (element instanceof Message) setNulls(message, element);
            }
        }
    }

    private boolean canBeWritten(Message message) {
        try {
            write(message);
            return true;
        } catch (NullPointerException | UnsupportedVersionException e) {
            return false;
        }
    }

    // ---- values

    private static List<Field> fieldsOf(Class<?> type) {
        List<Field> fields = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            boolean isOurs = !Modifier.isStatic(field.getModifiers())
                && !List.of("_unknownTaggedFields", "prev", "next").contains(field.getName());
            if (isOurs) {
                field.setAccessible(true);
                fields.add(field);
            }
        }
        return fields;
    }

    /** The fields that any version has: a class also keeps those of versions that are gone. */
    private static Set<String> knownNames(Class<?> type) throws Exception {
        Set<String> names = new LinkedHashSet<>();
        for (Schema schema : (Schema[]) type.getField("SCHEMAS").get(null)) {
            if (schema != null) names.addAll(typesByName(schema).keySet());
        }
        return names;
    }

    /** What JSON is to be made of. */
    private static Object valueOf(Object value) throws Exception {
        if (value instanceof Long number) return number.toString();
        if (value instanceof Uuid uuid) return uuid.toString();
        if (value instanceof byte[] bytes) return Base64.getEncoder().encodeToString(bytes);
        if (value instanceof MemoryRecords records) return valueOf(records.buffer());
        if (value instanceof ByteBuffer buffer) {
            byte[] bytes = new byte[buffer.remaining()];
            buffer.duplicate().get(bytes);
            return valueOf(bytes);
        }
        if (value instanceof Collection<?> collection) {
            List<Object> list = new ArrayList<>();
            for (Object element : collection) list.add(valueOf(element));
            return list;
        }
        if (value instanceof Message struct) {
            Map<String, Object> map = new LinkedHashMap<>();
            Set<String> known = knownNames(struct.getClass());
            for (Field field : fieldsOf(struct.getClass())) {
                boolean isKnown = known.contains(field.getName().toLowerCase(Locale.ROOT));
                if (isKnown) map.put(field.getName(), valueOf(field.get(struct)));
            }
            return map;
        }
        return value;
    }

    /** Throws where Kafka's own JSON of the message says anything else. */
    private void compareWithConverter(Message message, Object value) throws Exception {
        Class<?> converter = Class.forName(type.getName() + "JsonConverter");
        Method method = converter.getMethod("write", type, short.class);
        try {
            compare(nameOf(type) + " v" + version, (JsonNode) method.invoke(null, message, version), value);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(nameOf(type) + " v" + version, e);
        }
    }

    private static void compare(String path, JsonNode json, Object value) throws Exception {
        boolean same;
        if (json.isObject()) {
            for (String name : (Iterable<String>) json::fieldNames) {
                Map<?, ?> map = (Map<?, ?>) value;
                if (!map.containsKey(name)) throw new IllegalStateException(path + " lacks " + name);
                compare(path + "." + name, json.get(name), map.get(name));
            }
            same = true;
        } else if (json.isArray()) {
            List<?> list = (List<?>) value;
            same = list.size() == json.size();
            for (int i = 0; same && i < json.size(); i++) compare(path + "[" + i + "]", json.get(i), list.get(i));
        } else if (json.isBinary()) {
            // The converter writes records as if there were none.
            same = path.toLowerCase(Locale.ROOT).endsWith("records") || value.equals(json.asText());
        } else if (json.isNull()) {
            same = value == null;
        } else if (json.isDouble()) {
            same = value.equals(json.doubleValue());
        } else {
            same = String.valueOf(value).equals(json.asText());
        }
        if (!same) throw new IllegalStateException(path + ": " + value + " is " + json + " to the converter");
    }

    private static void appendJson(StringBuilder out, Object value) {
        if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(separator);
                appendJson(out, entry.getKey());
                out.append(':');
                appendJson(out, entry.getValue());
                separator = ",";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof List<?> list) {
            out.append('[');
            for (int i = 0; i < list.size(); i++) {
                if (i > 0) out.append(',');
                appendJson(out, list.get(i));
            }
            out.append(']');
        } else if (value instanceof String text) {
            out.append('"');
            for (char unit : text.toCharArray()) {
                if (unit == '"' || unit == '\\') out.append('\\').append(unit);
                else if (unit < 0x20 || unit > 0x7e) out.append(String.format("\\u%04x", (int) unit));
                else out.append(unit);
            }
            out.append('"');
        } else {
            out.append(value);
        }
    }
}
