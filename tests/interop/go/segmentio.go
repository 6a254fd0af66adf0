package main

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
)

var segmentioChecks = map[string]check{
	"produce": segmentioProduce,
	"admin":   segmentioAdmin,
}

func segmentioTopic(address, topic string) *kafka.Client {
	client := &kafka.Client{Addr: kafka.TCP(address), Timeout: timeout}
	created, err := client.CreateTopics(context.Background(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitionCount, ReplicationFactor: 1}}})
	must(err)
	must(created.Errors[topic])
	return client
}

func segmentioProduce(address, topic string) {
	segmentioTopic(address, topic)
	ctx, cancel := within()
	defer cancel()
	codecs := []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}
	for _, codec := range codecs {
		writer := &kafka.Writer{Addr: kafka.TCP(address), Topic: topic, Compression: codec, RequiredAcks: kafka.RequireAll,
			BatchTimeout: time.Millisecond, Balancer: &kafka.Murmur2Balancer{}}
		var messages []kafka.Message
		for i := range recordCount {
			messages = append(messages, kafka.Message{Key: []byte(key(i)), Value: []byte(value(codec.String(), i))})
		}
		must(writer.WriteMessages(ctx, messages...))
		must(writer.Close())
	}
	seen := map[string]int{}
	count := 0
	for partition := range partitionCount {
		dialer := &kafka.Dialer{Timeout: timeout}
		leader, err := dialer.DialLeader(ctx, "tcp", address, topic, partition)
		must(err)
		last, err := leader.ReadLastOffset()
		must(err)
		must(leader.Close())
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{address}, Topic: topic, Partition: partition,
			MaxWait: 100 * time.Millisecond})
		for at := int64(0); at < last; at++ {
			message, err := reader.ReadMessage(ctx)
			must(err)
			require(message.Offset == at, "offset %d instead of %d", message.Offset, at)
			seen[string(message.Value)]++
			count++
		}
		must(reader.Close())
	}
	require(count == len(codecs)*recordCount, "%d records", count)
	for _, codec := range codecs {
		for i := range recordCount {
			require(seen[value(codec.String(), i)] == 1, "%q was read %d times", value(codec.String(), i),
				seen[value(codec.String(), i)])
		}
	}
}

func segmentioAdmin(address, topic string) {
	client := segmentioTopic(address, topic)
	ctx, cancel := within()
	defer cancel()
	versions, err := client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	must(err)
	must(versions.Error)
	require(len(versions.ApiKeys) > 10, "%d APIs", len(versions.ApiKeys))
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	must(err)
	require(len(metadata.Topics) == 1 && len(metadata.Topics[0].Partitions) == partitionCount, "topics %v", metadata)
	offsets, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)}}})
	must(err)
	require(offsets.Topics[topic][0].LastOffset == 0, "offsets %v", offsets)
	deleted, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	must(err)
	must(deleted.Errors[topic])
}
