#include "tests/bench/compare/channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "engine/protocol/errors.h"
#include "engine/protocol/generated/create_topics.h"
#include "engine/protocol/generated/delete_topics.h"
#include "engine/protocol/generated/metadata.h"

namespace odradek::bench {
namespace {

constexpr int16_t kCreateTopicsVersion = 7;
constexpr int16_t kDeleteTopicsVersion = 5;
constexpr int16_t kMetadataVersion = 12;
constexpr int64_t kPauseNanos = 1'000'000;
constexpr int32_t kTimeoutMillis = 30'000;
constexpr int64_t kPatienceNanos = 120'000'000'000;

void Pause() {
  const timespec pause{.tv_sec = 0, .tv_nsec = kPauseNanos};
  nanosleep(&pause, nullptr);
}

bool ReceiveAll(int fd, MutableBytes into) {
  while (!into.empty()) {
    const ssize_t n = recv(fd, into.data(), into.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    into = into.subspan(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

void Die(const std::string& what) {
  std::fprintf(stderr, "load: %s\n", what.c_str());
  std::exit(1);
}

int64_t NowNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

std::optional<Channel> Channel::TryConnect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket: no descriptor is left");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return std::nullopt;
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return Channel(fd);
}

Channel Channel::Connect(int port) {
  auto channel = TryConnect(port);
  if (!channel) Die("nobody listens on port " + std::to_string(port));
  return std::move(*channel);
}

Channel::Channel(Channel&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Channel& Channel::operator=(Channel&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Channel::~Channel() {
  if (fd_ >= 0) close(fd_);
}

void Channel::SetNonBlocking() {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

bool Channel::SendAll(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

std::optional<ByteBuffer> Channel::ReceiveFrame() {
  ByteBuffer length(sizeof(int32_t));
  if (!ReceiveAll(fd_, length)) return std::nullopt;
  const auto size_bytes = LoadBigEndian<int32_t>(length.data());
  if (size_bytes <= 0) return std::nullopt;
  ByteBuffer frame(static_cast<size_t>(size_bytes));
  if (!ReceiveAll(fd_, frame)) return std::nullopt;
  return frame;
}

protocol::RequestHeader Channel::HeaderFor(int16_t api_key, int16_t version) {
  protocol::RequestHeader header;
  header.request_api_key = api_key;
  header.request_api_version = version;
  header.correlation_id = 1;
  header.client_id = "load";
  return header;
}

int16_t TryCreateTopic(Channel& channel, const std::string& name, int32_t partition_count) {
  protocol::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.num_partitions = partition_count;
  topic.replication_factor = 1;
  const auto response = channel.TryCall<protocol::CreateTopicsResponse>(request, kCreateTopicsVersion);
  if (!response || response->topics.size() != 1) return static_cast<int16_t>(protocol::ErrorCode::kUnknownServerError);
  const int16_t error = response->topics[0].error_code;
  return error == static_cast<int16_t>(protocol::ErrorCode::kTopicAlreadyExists) ? int16_t{0} : error;
}

std::optional<TopicInfo> TryDescribeTopic(Channel& channel, const std::string& name) {
  protocol::MetadataRequest request;
  request.topics->emplace_back().name = name;
  request.allow_auto_topic_creation = false;
  const auto response = channel.TryCall<protocol::MetadataResponse>(request, kMetadataVersion);
  if (!response || response->topics.size() != 1 || response->topics[0].error_code != 0) return std::nullopt;
  TopicInfo info;
  info.id = response->topics[0].topic_id;
  info.partition_count = static_cast<int32_t>(response->topics[0].partitions.size());
  for (const auto& partition : response->topics[0].partitions) {
    if (partition.error_code == 0 && partition.leader_id >= 0) ++info.led_count;
  }
  return info;
}

TopicInfo CreateTopic(Channel& channel, const std::string& name, int32_t partition_count) {
  const int16_t error = TryCreateTopic(channel, name, partition_count);
  if (error != 0) Die("CreateTopics " + name + ": error " + std::to_string(error));
  const int64_t deadline = NowNanos() + kPatienceNanos;
  while (NowNanos() < deadline) {
    const auto info = TryDescribeTopic(channel, name);
    if (info && info->led_count == partition_count) return *info;
    Pause();
  }
  Die("no leader for every partition of " + name);
}

void DeleteTopic(Channel& channel, const std::string& name) {
  protocol::DeleteTopicsRequest request;
  request.topic_names.push_back(name);
  request.timeout_ms = kTimeoutMillis;
  const auto response = channel.Call<protocol::DeleteTopicsResponse>(request, kDeleteTopicsVersion);
  if (response.responses.size() != 1 || response.responses[0].error_code != 0) Die("DeleteTopics " + name + " failed");
}

}  // namespace odradek::bench
