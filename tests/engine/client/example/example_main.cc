// Writes ten records to the topic "example" and reads them back: odradek_example HOST:PORT
#include <cstdio>
#include <string>
#include <vector>

#include "engine/client/consumer.h"
#include "engine/client/producer.h"
#include "engine/real/node.h"

int main(int argc, char** argv) {
  using odradek::AsBytes;
  using odradek::AsString;
  using odradek::Duration;
  namespace client = odradek::client;
  const client::ConfigMap settings = {{"bootstrap.servers", argc > 1 ? argv[1] : "localhost:9092"}};
  const auto producer_config = client::ParseProducerConfig(settings);
  auto consumer_config = client::ParseConsumerConfig(settings);
  consumer_config.config.auto_offset_reset = client::OffsetReset::kEarliest;
  if (!producer_config.ok()) return std::printf("%s\n", producer_config.error.c_str()), 2;

  odradek::real::RealNode node;
  size_t read_count = 0;
  node.env().scheduler.Spawn("example", [&](odradek::fiber::Fiber& self) {
    client::Producer producer(node.env(), producer_config.config);
    for (int i = 0; i < 10; ++i) {
      const std::string value = "hello " + std::to_string(i);
      producer.Send(self, {.topic = "example", .value = AsBytes(value)}, [](const client::SendResult& result) {
        if (!result.ok()) std::printf("not written: %s\n", result.what.c_str());
      });
    }
    producer.Close(self, Duration::Seconds(10));
    client::Consumer consumer(node.env(), consumer_config.config);
    consumer.Assign(std::vector{odradek::TopicPartition{"example", odradek::PartitionIndex(0)}});
    const odradek::MonoTime deadline = self.Now() + Duration::Seconds(10);
    while (read_count < 10 && self.Now() < deadline) {
      for (const auto& partition : consumer.Poll(self, Duration::Seconds(1)).partitions) {
        for (const client::ConsumerRecord& record : partition.records) {
          std::printf("%lld: %s\n", static_cast<long long>(record.offset.value()),
                      std::string(AsString(*record.value)).c_str());
          ++read_count;
        }
      }
    }
    node.Stop();
  });
  node.Run();
  return read_count == 10 ? 0 : 1;
}
