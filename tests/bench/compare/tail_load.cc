// Consumers that wait for records, and a producer that sends one at a time on a fixed schedule. A record's latency
// counts from the instant when it was due to be sent until its consumer has it.
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tests/bench/compare/broker_process.h"
#include "tests/bench/compare/channel.h"
#include "tests/bench/compare/fetch_frame.h"
#include "tests/bench/compare/loads.h"
#include "tests/bench/compare/produce_frame.h"

namespace odradek::bench {
namespace tail_load {

// The answer of a connection, received piece by piece.
class Inbox {
 public:
  // A whole frame without its length, once it is there; valid until the next call.
  std::optional<Bytes> Receive(int fd) {
    if (done_) Restart();
    while (true) {
      const ssize_t n = recv(fd, frame_.data() + filled_, frame_.size() - filled_, 0);
      if (n < 0 && errno == EAGAIN) return std::nullopt;
      if (n <= 0) Die("a connection broke while receiving");
      filled_ += static_cast<size_t>(n);
      if (filled_ < sizeof(int32_t)) continue;
      const auto size_bytes = static_cast<size_t>(LoadBigEndian<int32_t>(frame_.data())) + sizeof(int32_t);
      if (filled_ > size_bytes) Die("an answer that was not asked for");
      if (frame_.size() < size_bytes) frame_.resize(size_bytes);
      if (filled_ < size_bytes) continue;
      done_ = true;
      return Bytes(frame_.data() + sizeof(int32_t), size_bytes - sizeof(int32_t));
    }
  }

 private:
  void Restart() {
    filled_ = 0;
    done_ = false;
  }
  ByteBuffer frame_ = ByteBuffer(size_t{64} * 1024);
  size_t filled_ = 0;
  bool done_ = false;
};

struct Consumer {
  Channel channel;
  int32_t partition = 0;
  int64_t next_offset = 0;
  Inbox inbox;
};

class Load {
 public:
  explicit Load(const TailOptions& options) : options_(options), producer_(Channel::Connect(options.target.port)) {
    Channel channel = Channel::Connect(options.target.port);
    topic_ = CreateTopic(channel, options.target.topic, options.consumer_count);
    AwaitLeaders(channel, topic_);
    records_ = MakeBatch(1, options.record_bytes);
    // The record that waited for the leader is nobody's.
    due_.resize(static_cast<size_t>(options.consumer_count), std::vector<int64_t>(1));
    for (int32_t i = 0; i < options.consumer_count; ++i) {
      frames_.push_back(MakeProduceFrame({.topic = topic_.id, .partition = i}, records_));
      auto consumer = std::make_unique<Consumer>(
          Consumer{.channel = Channel::Connect(options.target.port), .partition = i, .next_offset = 1});
      consumer->channel.SetNonBlocking();
      Watch(consumer->channel.fd(), consumer.get());
      consumers_.push_back(std::move(consumer));
    }
    producer_.SetNonBlocking();
    Watch(producer_.fd(), nullptr);
    for (auto& consumer : consumers_) Poll(*consumer);
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Returns when every record of that time has arrived.
  void Run(double seconds) {
    latencies_.clear();
    const auto count = static_cast<int64_t>(seconds * options_.records_per_second);
    const int64_t period = 1'000'000'000 / options_.records_per_second;
    int64_t sent = 0;
    const int64_t began = NowNanos() + period;
    while (static_cast<int64_t>(latencies_.size()) < count) {
      while (sent < count && NowNanos() >= began + sent * period) SendOne(began + sent++ * period);
      Wait(sent < count ? began + sent * period : NowNanos() + 1'000'000'000);
    }
  }

  double MicrosAt(double quantile) {
    std::sort(latencies_.begin(), latencies_.end());
    const auto index = static_cast<size_t>(quantile * static_cast<double>(latencies_.size() - 1));
    return static_cast<double>(latencies_[index]) / 1000;
  }

 private:
  void Watch(int fd, Consumer* consumer) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = consumer;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl failed");
  }

  void Poll(Consumer& consumer) {
    const ByteBuffer request = MakeFetchRequest({.topic = topic_.id}, {consumer.partition}, {consumer.next_offset});
    if (!consumer.channel.SendAll(request)) Die("a connection broke while sending");
  }

  void SendOne(int64_t due) {
    const auto partition = static_cast<size_t>(next_partition_);
    next_partition_ = next_partition_ + 1 == options_.consumer_count ? 0 : next_partition_ + 1;
    due_[partition].push_back(due);
    ByteBuffer request = frames_[partition].head;
    request.insert(request.end(), records_.begin(), records_.end());
    request.insert(request.end(), frames_[partition].tail.begin(), frames_[partition].tail.end());
    if (!producer_.SendAll(request)) Die("a connection broke while sending");
  }

  void Wait(int64_t until) {
    const int64_t nanos = std::max<int64_t>(until - NowNanos(), 0);
    const timespec timeout{.tv_sec = nanos / 1'000'000'000, .tv_nsec = nanos % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      auto* consumer = static_cast<Consumer*>(events[static_cast<size_t>(i)].data.ptr);
      if (consumer != nullptr) {
        OnAnswer(*consumer);
      } else {
        std::array<std::byte, 4096> ignored;  // a record that is lost never arrives, and the load never ends
        while (recv(producer_.fd(), ignored.data(), ignored.size(), 0) > 0) {
        }
      }
    }
  }

  void OnAnswer(Consumer& consumer) {
    const std::optional<Bytes> answer = consumer.inbox.Receive(consumer.channel.fd());
    if (!answer) return;
    const int64_t now = NowNanos();
    for (const FetchedPartition& fetched : ParseFetchAnswer(*answer)) {
      for (; consumer.next_offset < fetched.next_offset; ++consumer.next_offset) {
        latencies_.push_back(now -
                             due_[static_cast<size_t>(consumer.partition)][static_cast<size_t>(consumer.next_offset)]);
      }
    }
    Poll(consumer);
  }

  const TailOptions options_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  Channel producer_;
  TopicInfo topic_;
  ByteBuffer records_;
  std::vector<ProduceFrame> frames_;
  std::vector<std::unique_ptr<Consumer>> consumers_;
  int32_t next_partition_ = 0;
  std::vector<std::vector<int64_t>> due_;  // by partition, by offset
  std::vector<int64_t> latencies_;
};

}  // namespace tail_load

void RunTail(const TailOptions& options) {
  // The default slack of 50 microseconds would be added to every wait.
  if (prctl(PR_SET_TIMERSLACK, 1) != 0) Die("prctl failed");
  tail_load::Load load(options);
  load.Run(1);
  const double cpu_before = CpuSeconds(options.target.broker_pid);
  load.Run(options.seconds);
  const double cpu_seconds = CpuSeconds(options.target.broker_pid) - cpu_before;
  nlohmann::json line;
  line["cpu_micros_per_record"] = cpu_seconds * 1e6 / (options.seconds * options.records_per_second);
  line["p50_micros"] = load.MicrosAt(0.5);
  line["p99_micros"] = load.MicrosAt(0.99);
  std::printf("%s\n", line.dump().c_str());
}

}  // namespace odradek::bench
