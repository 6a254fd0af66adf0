package main

import (
	"errors"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

var saramaChecks = map[string]check{
	"produce":    saramaProduce,
	"idempotent": saramaIdempotent,
	"admin":      saramaAdmin,
	"offsets":    saramaOffsets,
	"old":        saramaOldVersion,
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 2
	return config
}

func saramaTopic(address, topic string, entries map[string]*string) sarama.ClusterAdmin {
	admin, err := sarama.NewClusterAdmin([]string{address}, saramaConfig())
	must(err)
	must(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitionCount, ReplicationFactor: 1,
		ConfigEntries: entries}, false))
	return admin
}

func saramaSend(address string, config *sarama.Config, messages []*sarama.ProducerMessage) {
	producer, err := sarama.NewSyncProducer([]string{address}, config)
	must(err)
	must(producer.SendMessages(messages))
	must(producer.Close())
}

func saramaRead(address, topic string, partition int32, config *sarama.Config, count int) []*sarama.ConsumerMessage {
	consumer, err := sarama.NewConsumer([]string{address}, config)
	must(err)
	reader, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
	must(err)
	var messages []*sarama.ConsumerMessage
	deadline := time.After(timeout)
	for len(messages) < count {
		select {
		case message := <-reader.Messages():
			messages = append(messages, message)
		case <-deadline:
			fail("%d of %d messages within %v", len(messages), count, timeout)
		}
	}
	must(reader.Close())
	must(consumer.Close())
	return messages
}

func saramaMessages(topic, name string) []*sarama.ProducerMessage {
	var messages []*sarama.ProducerMessage
	for i := range recordCount {
		messages = append(messages, &sarama.ProducerMessage{Topic: topic, Partition: 0,
			Key: sarama.StringEncoder(key(i)), Value: sarama.StringEncoder(value(name, i))})
	}
	return messages
}

func saramaProduceWith(address, topic string, config *sarama.Config) {
	config.Producer.Partitioner = sarama.NewManualPartitioner
	codecs := []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
		sarama.CompressionLZ4}
	if config.Version.IsAtLeast(sarama.V2_1_0_0) {
		codecs = append(codecs, sarama.CompressionZSTD)
	}
	acks := []sarama.RequiredAcks{sarama.WaitForAll, sarama.WaitForLocal, sarama.NoResponse}
	var want []string
	for _, codec := range codecs {
		for _, ack := range acks {
			config.Producer.Compression = codec
			config.Producer.RequiredAcks = ack
			saramaSend(address, config, saramaMessages(topic, codec.String()))
			for i := range recordCount {
				want = append(want, value(codec.String(), i))
			}
			// What nobody acknowledges may be overtaken by another connection's.
			saramaRead(address, topic, 0, config, len(want))
		}
	}
	for i, message := range saramaRead(address, topic, 0, config, len(want)) {
		require(string(message.Value) == want[i] && message.Offset == int64(i), "message %d is %q", i, message.Value)
	}
}

func saramaProduce(address, topic string) {
	must(saramaTopic(address, topic, nil).Close())
	saramaProduceWith(address, topic, saramaConfig())
}

// The versions of 2017: no tagged fields, no leader epochs, no zstd.
func saramaOldVersion(address, topic string) {
	must(saramaTopic(address, topic, nil).Close())
	config := saramaConfig()
	config.Version = sarama.V0_11_0_0
	saramaProduceWith(address, topic, config)
}

func saramaIdempotent(address, topic string) {
	must(saramaTopic(address, topic, nil).Close())
	config := saramaConfig()
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1
	config.Producer.Partitioner = sarama.NewManualPartitioner
	saramaSend(address, config, saramaMessages(topic, "idempotent"))
	for i, message := range saramaRead(address, topic, 0, config, recordCount) {
		require(string(message.Value) == value("idempotent", i), "message %d is %q", i, message.Value)
	}
}

func saramaAdmin(address, topic string) {
	retention, longer := "60000", "70000"
	admin := saramaTopic(address, topic, map[string]*string{"retention.ms": &retention})
	must(admin.CreatePartitions(topic, 3, nil, false))
	described, err := admin.DescribeTopics([]string{topic})
	must(err)
	require(len(described[0].Partitions) == 3, "%d partitions", len(described[0].Partitions))
	must(admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
		"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &longer}}, false))
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic,
		ConfigNames: []string{"retention.ms"}})
	must(err)
	require(len(entries) == 1 && entries[0].Value == longer, "configs are %v", entries)
	brokers, controller, err := admin.DescribeCluster()
	must(err)
	require(len(brokers) == 1 && controller == brokers[0].ID(), "controller %d of %d brokers", controller, len(brokers))
	dirs, err := admin.DescribeLogDirs([]int32{controller})
	must(err)
	require(len(dirs[controller]) > 0, "no log directories")
	must(admin.DeleteTopic(topic))
	err = admin.DeleteTopic(topic)
	require(errors.Is(err, sarama.ErrUnknownTopicOrPartition), "a topic that is gone: %v", err)
	err = admin.CreateTopic(strings.Repeat("x", 300), &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	var named *sarama.TopicError
	require(errors.As(err, &named) && named.Err == sarama.ErrInvalidTopic, "a name that is too long: %v", err)
	must(admin.Close())
}

func saramaOffsets(address, topic string) {
	admin := saramaTopic(address, topic, nil)
	config := saramaConfig()
	config.Producer.Partitioner = sarama.NewManualPartitioner
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	messages := saramaMessages(topic, "offsets")
	for i, message := range messages {
		message.Timestamp = begin.Add(time.Duration(i) * time.Second)
	}
	saramaSend(address, config, messages)
	must(admin.DeleteRecords(topic, map[int32]int64{0: 30}))
	client, err := sarama.NewClient([]string{address}, config)
	must(err)
	for at, want := range map[int64]int64{begin.Add(40 * time.Second).UnixMilli(): 40, sarama.OffsetOldest: 30,
		sarama.OffsetNewest: recordCount} {
		offset, err := client.GetOffset(topic, 0, at)
		must(err)
		require(offset == want, "the offset of %d is %d, not %d", at, offset, want)
	}
	must(client.Close())
	must(admin.Close())
}
