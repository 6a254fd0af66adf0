// Writes ten records to the topic "example" and reads them back: odradek_example HOST:PORT
#include <cstdio>
#include <string>

#include "engine/client/typed.h"
#include "engine/real/node.h"

using odradek::Duration;
namespace client = odradek::client;

int main(int argc, char** argv) {
  const std::string server = argc > 1 ? argv[1] : "localhost:9092";
  const auto writing = client::ParseProducerConfig({{"bootstrap.servers", server}});
  const auto reading = client::ParseConsumerConfig({{"bootstrap.servers", server}, {"auto.offset.reset", "earliest"}});
  if (!writing.ok() || !reading.ok()) return std::printf("%s%s\n", writing.error.c_str(), reading.error.c_str()), 2;

  int left = 10;
  odradek::real::RealNode node;
  node.env().scheduler.Spawn("example", [&](odradek::fiber::Fiber& self) {
    client::Producer producer(node.env(), writing.config);
    client::TypedProducer<int32_t, std::string> greetings(producer, "example");
    for (int32_t i = 0; i < 10; ++i) {
      greetings.Send(self, i, "hello " + std::to_string(i), [](const client::SendResult& result) {
        if (!result.ok()) std::printf("not written: %s\n", result.what.c_str());
      });
    }
    producer.Close(self, Duration::Seconds(10));

    client::Consumer consumer(node.env(), reading.config);
    consumer.Assign({{"example", odradek::PartitionIndex(0)}});
    for (const auto deadline = self.Now() + Duration::Seconds(10); left > 0 && self.Now() < deadline;) {
      for (const auto& record :
           client::ReadAs<int32_t, std::string>(consumer.Poll(self, Duration::Seconds(1))).records) {
        std::printf("%d: %s\n", record.key, record.value.c_str());
        --left;
      }
    }
    consumer.Close(self, Duration::Seconds(1));
    node.Stop();
  });
  node.Run();
  return left == 0 ? 0 : 1;
}
