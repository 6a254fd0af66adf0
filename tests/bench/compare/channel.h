// One TCP connection of the load generator: blocking calls for what surrounds a measurement, the bare descriptor for
// the measurement itself. Any failure ends the program with a line that says what failed: a window with errors is void.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/uuid.h"
#include "engine/protocol/framing.h"

namespace odradek::bench {

// Prints the line and exits with 1.
[[noreturn]] void Die(const std::string& what);

int64_t NowNanos();

class Channel {
 public:
  // Connects to the loopback address; nullopt when nobody listens.
  static std::optional<Channel> TryConnect(int port);
  static Channel Connect(int port);
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&& other) noexcept;
  ~Channel();

  int fd() const { return fd_; }
  void SetNonBlocking();

  // Sends all of it; false when the connection breaks.
  bool SendAll(Bytes bytes);
  // The next frame without its length; nullopt when the connection breaks.
  std::optional<ByteBuffer> ReceiveFrame();

  // nullopt when the connection breaks or the answer cannot be decoded.
  template <typename Response, typename Request>
  std::optional<Response> TryCall(const Request& request, int16_t version) {
    protocol::Writer writer;
    if (!protocol::EncodeFramed(HeaderFor(Request::kApiKey, version), request, writer)) Die("cannot encode a request");
    if (!SendAll(writer.buffer())) return std::nullopt;
    const std::optional<ByteBuffer> frame = ReceiveFrame();
    if (!frame) return std::nullopt;
    protocol::Reader reader(*frame);
    protocol::ResponseTo to{.key = static_cast<protocol::ApiKey>(Request::kApiKey), .version = version};
    Response response;
    if (!protocol::DecodeResponseHeader(reader, to) || !response.Decode(reader, version)) return std::nullopt;
    return response;
  }
  template <typename Response, typename Request>
  Response Call(const Request& request, int16_t version) {
    auto response = TryCall<Response>(request, version);
    if (!response) Die("the connection broke during a call of API " + std::to_string(Request::kApiKey));
    return std::move(*response);
  }

  static protocol::RequestHeader HeaderFor(int16_t api_key, int16_t version);

 private:
  explicit Channel(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// What a partition answers about itself.
struct TopicInfo {
  Uuid id;
  int32_t partition_count = 0;
  int32_t led_count = 0;  // partitions that have a leader
};

// Creates the topic unless it is there; an error code of Kafka's, 0 when it is there now.
int16_t TryCreateTopic(Channel& channel, const std::string& name, int32_t partition_count);
// nullopt while it is not known.
std::optional<TopicInfo> TryDescribeTopic(Channel& channel, const std::string& name);
// Waits until every partition has a leader.
TopicInfo CreateTopic(Channel& channel, const std::string& name, int32_t partition_count);
void DeleteTopic(Channel& channel, const std::string& name);

}  // namespace odradek::bench
