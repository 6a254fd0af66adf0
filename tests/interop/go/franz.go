package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// franz-go negotiates the newest version of everything and sends topic ids.
var franzChecks = map[string]check{
	"produce":    franzProduce,
	"idempotent": franzIdempotent,
	"admin":      franzAdmin,
	"offsets":    franzOffsets,
	"errors":     franzErrors,
}

func franzClient(address string, options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(address)}, options...)...)
	must(err)
	return client
}

func within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), timeout)
}

func franzTopic(client *kgo.Client, topic string, configs map[string]*string) *kadm.Client {
	ctx, cancel := within()
	defer cancel()
	admin := kadm.NewClient(client)
	created, err := admin.CreateTopic(ctx, partitionCount, 1, configs, topic)
	must(err)
	must(created.Err)
	return admin
}

// Reads the topic's partitions from the start until there are `count` records.
func franzConsume(address, topic string, count int, options ...kgo.Opt) []*kgo.Record {
	partitions := map[int32]kgo.Offset{}
	for i := int32(0); i < partitionCount; i++ {
		partitions[i] = kgo.NewOffset().AtStart()
	}
	options = append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: partitions}))
	client := franzClient(address, options...)
	defer client.Close()
	ctx, cancel := within()
	defer cancel()
	var records []*kgo.Record
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		must(fetches.Err())
		records = append(records, fetches.Records()...)
	}
	return records
}

func franzProduce(address, topic string) {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	plain := franzClient(address)
	franzTopic(plain, topic, nil)
	plain.Close()
	acks := []kgo.Acks{kgo.AllISRAcks(), kgo.LeaderAck(), kgo.NoAck()}
	want := map[string]bool{}
	for name, codec := range codecs {
		for _, ack := range acks {
			client := franzClient(address, kgo.ProducerBatchCompression(codec), kgo.RequiredAcks(ack),
				kgo.DisableIdempotentWrite())
			ctx, cancel := within()
			var records []*kgo.Record
			for i := range recordCount {
				records = append(records, &kgo.Record{Topic: topic, Key: []byte(key(i)), Value: []byte(value(name, i)),
					Headers: []kgo.RecordHeader{{Key: "codec", Value: []byte(name)}}})
				want[value(name, i)] = true
			}
			must(client.ProduceSync(ctx, records...).FirstErr())
			cancel()
			client.Close()
		}
	}
	for _, isolation := range []kgo.IsolationLevel{kgo.ReadUncommitted(), kgo.ReadCommitted()} {
		records := franzConsume(address, topic, len(codecs)*len(acks)*recordCount, kgo.FetchIsolationLevel(isolation))
		partitionOf := map[string]int32{}
		for _, record := range records {
			require(want[string(record.Value)], "%q was not sent", record.Value)
			require(strings.HasPrefix(string(record.Value), string(record.Headers[0].Value)), "a header changed")
			before, seen := partitionOf[string(record.Key)]
			require(!seen || before == record.Partition, "%q is in two partitions", record.Key)
			partitionOf[string(record.Key)] = record.Partition
		}
	}
}

func franzIdempotent(address, topic string) {
	client := franzClient(address, kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	defer client.Close()
	admin := franzTopic(client, topic, nil)
	ctx, cancel := within()
	defer cancel()
	for i := range recordCount {
		client.Produce(ctx, kgo.StringRecord(value("idempotent", i)), func(_ *kgo.Record, err error) { must(err) })
	}
	must(client.Flush(ctx))
	for i, record := range franzConsume(address, topic, recordCount) {
		require(string(record.Value) == value("idempotent", i), "record %d is %q", i, record.Value)
	}
	id, epoch, err := client.ProducerID(ctx)
	must(err)
	described, err := admin.DescribeProducers(ctx, kadm.TopicsSet{topic: {0: struct{}{}}})
	must(err)
	found := false
	for _, producer := range described[topic].Partitions[0].ActiveProducers {
		found = found || (producer.ProducerID == id && producer.ProducerEpoch == epoch &&
			producer.LastSequence == recordCount-1)
	}
	require(found, "DescribeProducers does not know producer %d with sequence %d", id, recordCount-1)
}

func franzAdmin(address, topic string) {
	client := franzClient(address)
	defer client.Close()
	retention := "60000"
	admin := franzTopic(client, topic, map[string]*string{"retention.ms": &retention})
	ctx, cancel := within()
	defer cancel()
	topics, err := admin.ListTopics(ctx, topic)
	must(err)
	require(len(topics[topic].Partitions) == partitionCount, "%d partitions", len(topics[topic].Partitions))
	grown, err := admin.UpdatePartitions(ctx, 4, topic)
	must(err)
	must(grown[topic].Err)
	longer := "70000"
	altered, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Name: "retention.ms", Value: &longer}}, topic)
	must(err)
	must(altered[0].Err)
	configs, err := admin.DescribeTopicConfigs(ctx, topic)
	must(err)
	for _, config := range configs[0].Configs {
		if config.Key == "retention.ms" {
			require(config.MaybeValue() == longer && config.Source.String() == "DYNAMIC_TOPIC_CONFIG",
				"retention.ms is %s from %s", config.MaybeValue(), config.Source)
		}
	}
	metadata, err := admin.BrokerMetadata(ctx)
	must(err)
	require(len(metadata.Brokers) == 1 && metadata.Controller == metadata.Brokers[0].NodeID, "brokers %v", metadata)
	dirs, err := admin.DescribeAllLogDirs(ctx, kadm.TopicsSet{topic: {0: struct{}{}, 3: struct{}{}}})
	must(err)
	count := 0
	dirs.Each(func(dir kadm.DescribedLogDir) { dir.Topics.Each(func(kadm.DescribedLogDirPartition) { count++ }) })
	require(count == 2, "%d partitions in log directories", count)
	deleted, err := admin.DeleteTopics(ctx, topic)
	must(err)
	must(deleted[topic].Err)
}

func franzOffsets(address, topic string) {
	client := franzClient(address, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer client.Close()
	admin := franzTopic(client, topic, nil)
	ctx, cancel := within()
	defer cancel()
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i := range recordCount {
		record := kgo.StringRecord(value("offsets", i))
		record.Timestamp = begin.Add(time.Duration(i) * time.Second)
		must(client.ProduceSync(ctx, record).FirstErr())
	}
	found, err := admin.ListOffsetsAfterMilli(ctx, begin.Add(40*time.Second).UnixMilli(), topic)
	must(err)
	offset, _ := found.Lookup(topic, 0)
	must(offset.Err)
	require(offset.Offset == 40, "the offset of second 40 is %d", offset.Offset)
	deleted, err := admin.DeleteRecords(ctx, kadm.OffsetsList{{Topic: topic, Partition: 0, At: 30}}.Offsets())
	must(err)
	must(deleted.Error())
	starts, err := admin.ListStartOffsets(ctx, topic)
	must(err)
	start, _ := starts.Lookup(topic, 0)
	require(start.Offset == 30, "the log starts at %d", start.Offset)
	records := franzConsume(address, topic, recordCount-30)
	require(records[0].Offset == 30, "the first record is at %d", records[0].Offset)
	epochs, err := admin.OffsetForLeaderEpoch(ctx, kadm.OffsetForLeaderEpochRequest{topic: {0: records[0].LeaderEpoch}})
	must(err)
	require(epochs[topic][0].EndOffset == recordCount, "the epoch ends at %d", epochs[topic][0].EndOffset)
}

func franzErrors(address, topic string) {
	client := franzClient(address, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchMaxBytes(2<<20),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer client.Close()
	limit := "10000"
	admin := franzTopic(client, topic, map[string]*string{"max.message.bytes": &limit})
	ctx, cancel := within()
	defer cancel()
	err := client.ProduceSync(ctx, kgo.StringRecord(strings.Repeat("x", 20000))).FirstErr()
	require(errors.Is(err, kerr.MessageTooLarge), "a record that is too large: %v", err)
	again, err := admin.CreateTopic(ctx, partitionCount, 1, nil, topic)
	require(errors.Is(again.Err, kerr.TopicAlreadyExists), "a topic that exists: %v, %v", err, again.Err)
	bad := "x"
	invalid, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": &bad}, topic+"-bad")
	require(errors.Is(invalid.Err, kerr.InvalidConfig), "a bad configuration: %v, %v", err, invalid.Err)
	many, err := admin.CreateTopic(ctx, 1, 3, nil, topic+"-many")
	require(errors.Is(many.Err, kerr.InvalidReplicationFactor), "too many replicas: %v, %v", err, many.Err)
}
