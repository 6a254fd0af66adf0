// Messages encoded by Apache Kafka's own generated classes, as lines "Name version hex".
//
//   java -cp KAFKA_JARS KafkaBytes.java VARIANTS < lines "Name version"
//
// A message is filled along the schema that Kafka's class gives for the version, with values that depend on name,
// version and variant only. Variant 0 has every tag and no null, the others mix. The bytes are then read and written
// once by the class itself, so that they are what Kafka would send.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.internal.MemoryRecords;

public class KafkaBytes {
  private final SplittableRandom random;
  private final boolean full;

  private KafkaBytes(String name, int version, int variant) {
    random = new SplittableRandom(name.hashCode() * 1000003L + version * 1009L + variant);
    full = variant == 0;
  }

  public static void main(String[] args) throws Exception {
    int variants = Integer.parseInt(args[0]);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    StringBuilder out = new StringBuilder();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      int version = Integer.parseInt(words[1]);
      for (int variant = 0; variant < variants; ++variant) {
        byte[] bytes = new KafkaBytes(words[0], version, variant).encode(classOf(words[0]), (short) version);
        out.append(words[0]).append(' ').append(version).append(' ');
        out.append(HexFormat.of().formatHex(bytes)).append('\n');
      }
    }
    System.out.print(out);
  }

  private static Class<?> classOf(String name) throws ClassNotFoundException {
    String common = "org.apache.kafka.common.";
    String coordinator = "org.apache.kafka.coordinator.";
    String[] candidates = {
      common + "message." + name + "Data",
      common + "message." + name,
      common + "metadata." + name,
      coordinator + "group.generated." + name,
      coordinator + "transaction.generated." + name,
      coordinator + "share.generated." + name,
      "org.apache.kafka.server.log.remote.metadata.storage.generated." + name
    };
    for (String candidate : candidates) {
      try {
        return Class.forName(candidate);
      } catch (ClassNotFoundException next) {
        // the next spelling
      }
    }
    throw new ClassNotFoundException(name);
  }

  private byte[] encode(Class<?> type, short version) throws Exception {
    Schema schema = ((Schema[]) type.getField("SCHEMAS").get(null))[version];
    Struct struct = fill(schema);
    ByteBuffer raw = ByteBuffer.allocate(schema.sizeOf(struct));
    schema.write(raw, struct);
    raw.flip();
    Message message = (Message) type.getConstructor().newInstance();
    message.read(new ByteBufferAccessor(raw), version);
    if (raw.hasRemaining()) throw new IllegalStateException("Kafka's class left bytes of its own schema");
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer out = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(out), cache, version);
    return out.array();
  }

  private Struct fill(Schema schema) {
    Struct struct = new Struct(schema);
    for (BoundField field : schema.fields()) struct.set(field, value(field.def.type));
    return struct;
  }

  private Object value(Type type) {
    if (type instanceof TaggedFields) return tags((TaggedFields) type);
    if (type.isNullable() && !full && random.nextInt(3) == 0) return null;
    if (type.isArray()) {
      List<Object> items = new ArrayList<>();
      int count = full ? 2 : random.nextInt(3);
      for (int i = 0; i < count; ++i) items.add(value(type.arrayElementType().get()));
      return items.toArray();
    }
    if (type instanceof Schema) return fill((Schema) type);
    return scalar(type.toString());
  }

  private Map<Integer, Object> tags(TaggedFields type) {
    Map<Integer, Object> values = new TreeMap<>();
    for (Map.Entry<Integer, Field> tag : type.fields().entrySet()) {
      if (full || random.nextBoolean()) values.put(tag.getKey(), value(tag.getValue().type));
    }
    return values;
  }

  private Object scalar(String type) {
    switch (type.replace("COMPACT_", "").replace("NULLABLE_", "")) {
      case "BOOLEAN": return random.nextBoolean();
      case "INT8": return (byte) integer();
      case "INT16": return (short) integer();
      case "UINT16": return (int) integer() & 0xffff;
      case "INT32": return (int) integer();
      case "UINT32": return integer() & 0xffffffffL;
      case "INT64": return integer();
      case "FLOAT64": return (int) integer() / 8.0;
      case "UUID": return new Uuid(integer(), integer());
      case "STRING": return text();
      case "BYTES": return ByteBuffer.wrap(bytes());
      case "RECORDS": return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes()));
      default: throw new IllegalArgumentException("no values for type " + type);
    }
  }

  private long integer() {
    long value = random.nextLong();
    return random.nextInt(4) == 0 ? Math.floorMod(value, 3L) - 1 : value >>> random.nextInt(64);
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    int size = random.nextInt(6) == 0 ? 0 : 1 + random.nextInt(6);
    for (int i = 0; i < size; ++i) text.append((char) ('a' + random.nextInt(26)));
    return text.toString();
  }

  private byte[] bytes() {
    byte[] bytes = new byte[random.nextInt(8)];
    random.nextBytes(bytes);
    return bytes;
  }
}
