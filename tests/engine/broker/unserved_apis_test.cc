// Codecs come before handlers (FEATURES.md 2.1): an API that has only a codec is as unknown to clients as before.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "engine/broker/dispatch.h"
#include "engine/protocol/api.h"
#include "engine/protocol/framing.h"
#include "tests/engine/broker/broker_world.h"
#include "tests/engine/protocol/message_case.h"

namespace odradek::broker {
namespace {

using protocol::ApiKey;
using protocol::MessageCase;

struct ListenerUnderTest {
  ListenerKind kind;
  uint16_t port;
};
constexpr auto kListeners =
    std::to_array<ListenerUnderTest>({{ListenerKind::kBroker, 9092}, {ListenerKind::kController, 9093}});

BrokerWorld::Options WithController() {
  BrokerWorld::Options options;
  options.properties["listeners"] = "PLAINTEXT://n1:9092,CONTROLLER://n1:9093";
  options.properties["controller.listener.names"] = "CONTROLLER";
  return options;
}

// A request of which nothing is set, in the last version that Kafka settled.
ByteBuffer FrameOf(const MessageCase& request) {
  protocol::RequestHeader header;
  header.request_api_key = request.api_key;
  header.request_api_version = protocol::InfoOf(static_cast<ApiKey>(request.api_key)).stable_max_version;
  protocol::Writer writer;
  protocol::EncodeRequestHeader(header, writer);
  ByteBuffer body;
  EXPECT_FALSE(request.encode_default(header.request_api_version, body));
  ByteBuffer frame;
  AppendBigEndian(frame, static_cast<int32_t>(writer.buffer().size() + body.size()));
  AppendBytes(frame, writer.buffer());
  AppendBytes(frame, body);
  return frame;
}

// Whether anything comes back before the connection ends.
bool IsAnswered(fiber::Fiber& self, env::Env& env, uint16_t port, const MessageCase& request) {
  env::ConnectionResult opened = env.network.Connect(self, {"n1", port}, self.Now() + Duration::Seconds(5));
  EXPECT_EQ(opened.error, env::NetError::kNone);
  if (opened.connection == nullptr) return false;
  const ByteBuffer frame = FrameOf(request);
  const env::Part part = Bytes(frame);
  EXPECT_EQ(opened.connection->Send(self, std::span(&part, 1)), env::NetError::kNone);
  std::array<std::byte, 16> piece;
  const MutableBytes into(piece);
  const env::ReadResult read = opened.connection->ReadSome(self, std::span(&into, 1));
  return read.error == env::NetError::kNone && read.size_bytes > 0;
}

TEST(UnservedApis, AWellFormedRequestOfOneEndsTheConnection) {
  BrokerWorld world(WithController());
  world.Run([](fiber::Fiber& self, env::Env& env) {
    int unserved_count = 0;
    for (const ListenerUnderTest& listener : kListeners) {
      const std::span<const ApiKey> keys = ServedApis(listener.kind);
      const std::set<ApiKey> served(keys.begin(), keys.end());
      for (const MessageCase& request : protocol::AllMessageCases()) {
        const auto key = static_cast<ApiKey>(request.api_key);
        // A Produce of which nothing is set has acks=0 and no answer.
        if (!request.name.ends_with("Request") || key == ApiKey::kProduce) continue;
        EXPECT_EQ(IsAnswered(self, env, listener.port, request), served.contains(key))
            << request.name << " on port " << listener.port;
        unserved_count += served.contains(key) ? 0 : 1;
      }
    }
    EXPECT_GT(unserved_count, 0);
  });
}

}  // namespace
}  // namespace odradek::broker
