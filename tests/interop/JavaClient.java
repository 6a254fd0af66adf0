// Apache Kafka's Java producer, consumer and admin client against a broker:
// java JavaClient ADDRESS CHECK TOPIC [ARGUMENT]. A check that fails ends with an exception.
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.*;

public class JavaClient {
  static String address;
  static String topic;

  static void require(boolean condition, Object what) {
    if (!condition) throw new AssertionError(String.valueOf(what));
  }

  interface Action {
    void run() throws Exception;
  }

  static void fails(Class<? extends Exception> expected, Action action) throws Exception {
    try {
      action.run();
    } catch (Exception error) {
      Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
      require(expected.isInstance(cause), "expected " + expected.getSimpleName() + ", got " + cause);
      return;
    }
    throw new AssertionError("expected " + expected.getSimpleName() + ", nothing was thrown");
  }

  static void eventually(Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (!condition.call()) {
      require(System.nanoTime() < deadline, "it did not come to be within 10 s");
      Thread.sleep(20);
    }
  }

  static Properties properties(String... pairs) {
    Properties out = new Properties();
    out.put("bootstrap.servers", address);
    for (int i = 0; i < pairs.length; i += 2) out.put(pairs[i], pairs[i + 1]);
    return out;
  }

  static KafkaProducer<String, String> producer(String... pairs) {
    return new KafkaProducer<>(properties(pairs), new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(String... pairs) {
    return new KafkaConsumer<>(properties(pairs), new StringDeserializer(), new StringDeserializer());
  }

  static Admin admin() {
    return Admin.create(properties());
  }

  static TopicPartition partition(int index) {
    return new TopicPartition(topic, index);
  }

  static void create(int partitions, String... configs) throws Exception {
    try (Admin admin = admin()) {
      Map<String, String> settings = new HashMap<>();
      for (int i = 0; i < configs.length; i += 2) settings.put(configs[i], configs[i + 1]);
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(settings))).all().get();
    }
  }

  static void produce(int count) throws Exception {
    try (KafkaProducer<String, String> producer = producer()) {
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      for (int i = 0; i < count; ++i) sent.add(producer.send(new ProducerRecord<>(topic, 0, null, "value " + i)));
      for (Future<RecordMetadata> one : sent) one.get();
    }
  }

  static List<ConsumerRecord<String, String>> consume(int index, String... pairs) {
    List<ConsumerRecord<String, String>> seen = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer = consumer(pairs)) {
      consumer.assign(List.of(partition(index)));
      consumer.seekToBeginning(consumer.assignment());
      long end = consumer.endOffsets(consumer.assignment()).get(partition(index));
      long deadline = System.nanoTime() + 30_000_000_000L;
      while (consumer.position(partition(index)) < end) {
        require(System.nanoTime() < deadline, "the end did not come: " + seen.size() + " of " + end);
        consumer.poll(Duration.ofSeconds(1)).forEach(seen::add);
      }
    }
    return seen;
  }

  static List<String> numbers(int count) {
    return IntStream.range(0, count).mapToObj(i -> "value " + i).collect(Collectors.toList());
  }

  static List<String> values(List<ConsumerRecord<String, String>> records) {
    return records.stream().map(ConsumerRecord::value).collect(Collectors.toList());
  }

  // The default producer is idempotent with acks=all and five batches in flight.
  static void codec(String name) throws Exception {
    create(1);
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<String, String> producer = producer("compression.type", name, "batch.size", "2000")) {
      for (int i = 0; i < 5000; ++i) sent.add(producer.send(new ProducerRecord<>(topic, "value " + i)));
    }
    for (int i = 0; i < 5000; ++i) require(sent.get(i).get().offset() == i, sent.get(i).get());
    require(values(consume(0)).equals(numbers(5000)), "other values");
    require(values(consume(0, "isolation.level", "read_committed")).equals(numbers(5000)), "other committed values");
  }

  static void fields() throws Exception {
    create(1);
    try (KafkaProducer<String, String> producer = producer()) {
      List<org.apache.kafka.common.header.Header> headers = new ArrayList<>();
      headers.add(new RecordHeader("a", "1".getBytes(StandardCharsets.UTF_8)));
      headers.add(new RecordHeader("a", null));
      producer.send(new ProducerRecord<>(topic, 0, 123456789L, "k", "v", headers)).get();
      producer.send(new ProducerRecord<>(topic, 0, "k", null)).get();
    }
    List<ConsumerRecord<String, String>> seen = consume(0);
    ConsumerRecord<String, String> first = seen.get(0);
    require(first.key().equals("k") && first.timestamp() == 123456789L, first);
    require(first.timestampType() == TimestampType.CREATE_TIME && first.leaderEpoch().isPresent(), first);
    require(first.headers().toArray().length == 2 && first.headers().lastHeader("a").value() == null, first);
    require(seen.get(1).value() == null, seen.get(1));
  }

  static void acks(String level) throws Exception {
    create(1);
    try (KafkaProducer<String, String> producer = producer("acks", level, "enable.idempotence", "false")) {
      for (int i = 0; i < 500; ++i) producer.send(new ProducerRecord<>(topic, "value " + i));
    }
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (!values(consume(0)).equals(numbers(500))) require(System.nanoTime() < deadline, "not all are there");
  }

  static void positions() throws Exception {
    create(2);
    try (KafkaProducer<String, String> producer = producer()) {
      for (int i = 0; i < 10; ++i) producer.send(new ProducerRecord<>(topic, 0, 1000L * (i + 1), null, "value " + i));
    }
    try (KafkaConsumer<String, String> consumer = consumer("auto.offset.reset", "none")) {
      TopicPartition zero = partition(0);
      consumer.assign(List.of(zero, partition(1)));
      require(consumer.beginningOffsets(List.of(zero)).get(zero) == 0, "beginning");
      require(consumer.endOffsets(List.of(zero)).get(zero) == 10, "end");
      OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(zero, 2500L)).get(zero);
      require(found.offset() == 2 && found.timestamp() == 3000L && found.leaderEpoch().isPresent(), found);
      require(consumer.offsetsForTimes(Map.of(zero, 10001L)).get(zero) == null, "behind the last");
      consumer.seek(zero, 7);
      consumer.seek(partition(1), 0);
      List<String> seen = new ArrayList<>();
      while (seen.size() < 3) consumer.poll(Duration.ofSeconds(1)).forEach(r -> seen.add(r.value()));
      require(seen.equals(List.of("value 7", "value 8", "value 9")), seen);
      consumer.poll(Duration.ofMillis(600));
      require(consumer.currentLag(zero).getAsLong() == 0, consumer.currentLag(zero));
      consumer.pause(List.of(zero));
      produce(3);
      require(consumer.poll(Duration.ofMillis(700)).isEmpty(), "paused");
      consumer.resume(List.of(zero));
      while (seen.size() < 6) consumer.poll(Duration.ofSeconds(1)).forEach(r -> seen.add(r.value()));
      require(consumer.partitionsFor(topic).size() == 2 && consumer.listTopics().containsKey(topic), "metadata");
    }
  }

  static void outOfRange() throws Exception {
    create(1);
    produce(10);
    for (String reset : List.of("earliest", "by_duration:PT1H")) {
      try (KafkaConsumer<String, String> consumer = consumer("auto.offset.reset", reset)) {
        consumer.assign(List.of(partition(0)));
        consumer.seek(partition(0), 1000);
        List<Long> seen = new ArrayList<>();
        while (seen.size() < 10) consumer.poll(Duration.ofSeconds(1)).forEach(r -> seen.add(r.offset()));
        require(seen.get(0) == 0, seen);
      }
    }
    try (KafkaConsumer<String, String> consumer = consumer("auto.offset.reset", "none")) {
      consumer.assign(List.of(partition(0)));
      consumer.seek(partition(0), 1000);
      fails(org.apache.kafka.clients.consumer.OffsetOutOfRangeException.class, () -> {
        for (int i = 0; i < 10; ++i) consumer.poll(Duration.ofSeconds(1));
      });
    }
  }

  static void refusedRecords() throws Exception {
    create(1, "max.message.bytes", "1000", "message.timestamp.after.max.ms", "1000");
    try (KafkaProducer<String, String> producer = producer()) {
      fails(RecordTooLargeException.class,
          () -> producer.send(new ProducerRecord<>(topic, "x".repeat(5000))).get());
      long future = System.currentTimeMillis() + 3600_000;
      fails(InvalidTimestampException.class,
          () -> producer.send(new ProducerRecord<>(topic, 0, future, null, "late")).get());
      require(producer.send(new ProducerRecord<>(topic, "good")).get().offset() == 0, "goes on");
    }
    try (KafkaProducer<String, String> producer = producer("max.block.ms", "2000")) {
      fails(InvalidTopicException.class, () -> producer.send(new ProducerRecord<>("bad name", "x")).get());
    }
  }

  // Produce and Fetch name a topic by its id: a new topic under the old name must not confuse them.
  static void recreated() throws Exception {
    create(1);
    try (KafkaProducer<String, String> producer = producer(); Admin admin = admin();
         KafkaConsumer<String, String> consumer = consumer("auto.offset.reset", "earliest")) {
      for (int i = 0; i < 5; ++i) producer.send(new ProducerRecord<>(topic, "old")).get();
      consumer.assign(List.of(partition(0)));
      List<String> seen = new ArrayList<>();
      while (seen.size() < 5) consumer.poll(Duration.ofSeconds(1)).forEach(r -> seen.add(r.value()));
      admin.deleteTopics(List.of(topic)).all().get();
      create(1);
      require(producer.send(new ProducerRecord<>(topic, "new")).get(30, TimeUnit.SECONDS).offset() == 0, "offset");
      long deadline = System.nanoTime() + 30_000_000_000L;
      while (seen.size() < 6) {
        require(System.nanoTime() < deadline, "the consumer does not get over to the new topic: " + seen);
        consumer.poll(Duration.ofSeconds(1)).forEach(r -> seen.add(r.value()));
      }
      require(seen.get(5).equals("new"), seen);
    }
  }

  static void adminTopics() throws Exception {
    try (Admin admin = admin()) {
      NewTopic wanted = new NewTopic(topic, Optional.of(3), Optional.empty()).configs(Map.of("retention.ms", "60000"));
      admin.createTopics(List.of(wanted), new CreateTopicsOptions().validateOnly(true)).all().get();
      require(!admin.listTopics().names().get().contains(topic), "made by a trial");
      CreateTopicsResult made = admin.createTopics(List.of(wanted));
      require(made.numPartitions(topic).get() == 3 && made.replicationFactor(topic).get() == 1, "counts");
      require(made.config(topic).get().get("retention.ms").value().equals("60000"), made.config(topic).get());
      Uuid id = made.topicId(topic).get();
      TopicDescription byName = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
      require(byName.topicId().equals(id) && byName.partitions().size() == 3, byName);
      TopicDescription byId =
          admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id);
      require(byId.name().equals(topic), byId);
      CreatePartitionsOptions trial = new CreatePartitionsOptions().validateOnly(true);
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4)), trial).all().get();
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
      require(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 5, "five");
      fails(InvalidPartitionsException.class,
          () -> admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all().get());
      fails(TopicExistsException.class, () -> admin.createTopics(List.of(wanted)).all().get());
      fails(UnknownTopicOrPartitionException.class,
          () -> admin.describeTopics(List.of("nobody")).allTopicNames().get());
      fails(UnknownTopicIdException.class,
          () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds().get());
      admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
      fails(UnknownTopicIdException.class,
          () -> admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get());
      require(!admin.listTopics().names().get().contains(topic), "still there");
      admin.createTopics(List.of(new NewTopic("x.y_" + topic, 1, (short) 1))).all().get();
      fails(InvalidTopicException.class,
          () -> admin.createTopics(List.of(new NewTopic("x_y." + topic, 1, (short) 1))).all().get());
      fails(InvalidReplicaAssignmentException.class, () -> admin.createTopics(List.of(
          new NewTopic("assigned", Map.of(0, List.of(77))))).all().get());
    }
  }

  static void alter(Admin admin, ConfigResource resource, AlterConfigOp.OpType type, String key, String value)
      throws Exception {
    admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), type))))
        .all().get();
  }

  static ConfigEntry described(Admin admin, ConfigResource resource, String key) throws Exception {
    DescribeConfigsOptions all = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
    return admin.describeConfigs(List.of(resource), all).all().get().get(resource).get(key);
  }

  static void adminConfigs() throws Exception {
    create(1);
    try (Admin admin = admin()) {
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      alter(admin, resource, AlterConfigOp.OpType.SET, "retention.ms", "60000");
      ConfigEntry entry = described(admin, resource, "retention.ms");
      require(entry.value().equals("60000") && entry.type() == ConfigEntry.ConfigType.LONG, entry);
      require(entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG && !entry.synonyms().isEmpty(), entry);
      require(entry.documentation() != null, entry);
      alter(admin, resource, AlterConfigOp.OpType.DELETE, "retention.ms", "");
      entry = described(admin, resource, "retention.ms");
      require(entry.value().equals("604800000") && entry.isDefault(), entry);
      alter(admin, resource, AlterConfigOp.OpType.APPEND, "cleanup.policy", "delete");
      require(described(admin, resource, "cleanup.policy").value().equals("delete"), "append");
      fails(InvalidConfigurationException.class,
          () -> alter(admin, resource, AlterConfigOp.OpType.SET, "retention.ms", "soon"));
      fails(InvalidConfigurationException.class,
          () -> alter(admin, resource, AlterConfigOp.OpType.SET, "no.such", "1"));
      ConfigResource missing = new ConfigResource(ConfigResource.Type.TOPIC, "nobody");
      fails(UnknownTopicOrPartitionException.class, () -> described(admin, missing, "retention.ms"));
      fails(UnknownTopicOrPartitionException.class,
          () -> alter(admin, missing, AlterConfigOp.OpType.SET, "retention.ms", "1"));

      String node = admin.describeCluster().controller().get().idString();
      ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, node);
      require(described(admin, broker, "log.retention.ms") != null, "log.retention.ms");
      alter(admin, broker, AlterConfigOp.OpType.SET, "message.max.bytes", "2000000");
      // The answer may leave before the broker heard of it from its controller.
      eventually(() -> described(admin, broker, "message.max.bytes").source()
          == ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
      eventually(() -> described(admin, resource, "max.message.bytes").value().equals("2000000"));
      alter(admin, broker, AlterConfigOp.OpType.DELETE, "message.max.bytes", "");
      fails(InvalidRequestException.class,
          () -> alter(admin, broker, AlterConfigOp.OpType.SET, "process.roles", "broker"));
    }
  }

  static long offsetOf(Admin admin, OffsetSpec spec) throws Exception {
    return admin.listOffsets(Map.of(partition(0), spec)).partitionResult(partition(0)).get().offset();
  }

  static void adminOffsets() throws Exception {
    create(1);
    try (KafkaProducer<String, String> producer = producer()) {
      for (long t : List.of(1000L, 9000L, 3000L)) {
        producer.send(new ProducerRecord<>(topic, 0, t, null, "v")).get();
      }
    }
    try (Admin admin = admin()) {
      require(offsetOf(admin, OffsetSpec.latest()) == 3, "latest");
      require(offsetOf(admin, OffsetSpec.maxTimestamp()) == 1, "max timestamp");
      require(offsetOf(admin, OffsetSpec.forTimestamp(2000)) == 1, "by timestamp");
      require(offsetOf(admin, OffsetSpec.forTimestamp(9001)) == -1, "none");
      require(admin.deleteRecords(Map.of(partition(0), RecordsToDelete.beforeOffset(2)))
          .lowWatermarks().get(partition(0)).get().lowWatermark() == 2, "low watermark");
      require(offsetOf(admin, OffsetSpec.earliest()) == 2, "earliest");
      fails(OffsetOutOfRangeException.class, () -> admin.deleteRecords(
          Map.of(partition(0), RecordsToDelete.beforeOffset(100))).all().get());
      require(offsetOf(admin, OffsetSpec.earliestLocal()) == 2, "earliest local");
      require(offsetOf(admin, OffsetSpec.latestTiered()) == -1, "latest tiered");
      require(offsetOf(admin, OffsetSpec.earliestPendingUpload()) == -1, "earliest pending upload");
      require(consume(0).get(0).offset() == 2, "reading starts there");
    }
  }

  static void adminCluster() throws Exception {
    create(1);
    produce(1000);
    try (Admin admin = admin()) {
      DescribeClusterResult cluster = admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true));
      require(cluster.nodes().get().size() == 1 && cluster.clusterId().get().length() == 22, cluster.clusterId().get());
      int node = cluster.controller().get().id();
      LogDirDescription directory = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node)
          .values().iterator().next();
      require(directory.replicaInfos().get(partition(0)).size() > 1000, directory);
      require(directory.totalBytes().getAsLong() > 0 && directory.usableBytes().getAsLong() > 0, directory);
      List<ProducerState> producers = admin.describeProducers(List.of(partition(0)))
          .partitionResult(partition(0)).get().activeProducers();
      require(producers.size() == 1 && producers.get(0).lastSequence() == 999, producers);
      require(admin.describeFeatures().featureMetadata().get().finalizedFeatures().containsKey("metadata.version"), "");
    }
  }

  // Sends until its standard input ends; then every send must have succeeded. Prints how many.
  static void load() throws Exception {
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (KafkaProducer<String, String> producer =
             producer("compression.type", "lz4", "linger.ms", "1", "delivery.timeout.ms", "60000")) {
      while (System.in.available() == 0) {
        for (int i = 0; i < 20; ++i) {
          sent.add(producer.send(new ProducerRecord<>(topic, 0, null, "value " + sent.size())));
        }
        if (sent.size() == 20) {
          producer.flush();
          System.out.println("started");
        }
        Thread.sleep(2);
      }
    }
    for (Future<RecordMetadata> one : sent) one.get();
    List<String> seen = values(consume(0));
    require(seen.size() == sent.size(), "sent " + sent.size() + ", read " + seen.size());
    require(seen.equals(numbers(sent.size())), "other values, or in another order");
  }

  public static void main(String[] arguments) throws Exception {
    address = arguments[0];
    topic = arguments[2];
    switch (arguments[1]) {
      case "codec" -> codec(arguments[3]);
      case "acks" -> acks(arguments[3]);
      case "fields" -> fields();
      case "positions" -> positions();
      case "out-of-range" -> outOfRange();
      case "refused-records" -> refusedRecords();
      case "recreated" -> recreated();
      case "admin-topics" -> adminTopics();
      case "admin-configs" -> adminConfigs();
      case "admin-offsets" -> adminOffsets();
      case "admin-cluster" -> adminCluster();
      case "load" -> load();
      default -> throw new AssertionError("no such check: " + arguments[1]);
    }
  }
}
