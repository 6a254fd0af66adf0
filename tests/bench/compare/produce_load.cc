// Produce requests of pre-encoded batches over several pipelined connections. The generator does as little as it can:
// the records are the same bytes every time, one scatter write sends what fits into a connection's window, and of an
// answer it looks at the correlation id and the error code.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tests/bench/compare/broker_process.h"
#include "tests/bench/compare/channel.h"
#include "tests/bench/compare/loads.h"
#include "tests/bench/compare/produce_frame.h"

namespace odradek::bench {
namespace produce_load {

constexpr int kInFlightMax = 16;
constexpr int kPartsPerRequest = 3;

// Requests that the whole load may still send, and answers that it has.
struct Progress {
  int64_t unsent = 0;
  int64_t answered = 0;
};

class Sender {
 public:
  Sender(Channel channel, const std::vector<ProduceFrame>& frames, Bytes records, int in_flight_max, size_t first)
      : channel_(std::move(channel)),
        frames_(frames),
        records_(records),
        in_flight_max_(in_flight_max),
        next_frame_(first % frames.size()) {
    channel_.SetNonBlocking();
    heads_.resize(static_cast<size_t>(in_flight_max));
    received_.resize(kReceiveBytes);
  }

  int fd() const { return channel_.fd(); }

  void Pump(Progress& progress) {
    while (true) {
      if (parts_.empty()) Fill(progress);
      if (parts_.empty()) return;
      const ssize_t n = writev(fd(), parts_.data() + first_part_, static_cast<int>(parts_.size() - first_part_));
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) Die("a connection broke while sending");
      Advance(static_cast<size_t>(n));
    }
  }

  void OnReadable(Progress& progress) {
    const ssize_t n = recv(fd(), received_.data() + received_bytes_, received_.size() - received_bytes_, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) Die("a connection broke while receiving");
    received_bytes_ += static_cast<size_t>(n);
    size_t at = 0;
    while (received_bytes_ - at >= sizeof(int32_t)) {
      const auto size_bytes = static_cast<size_t>(LoadBigEndian<int32_t>(received_.data() + at));
      if (received_bytes_ - at < sizeof(int32_t) + size_bytes) break;
      CheckProduceAnswer(Bytes(received_.data() + at + sizeof(int32_t), size_bytes), next_answer_++);
      at += sizeof(int32_t) + size_bytes;
      --in_flight_;
      ++progress.answered;
    }
    std::memmove(received_.data(), received_.data() + at, received_bytes_ - at);
    received_bytes_ -= at;
  }

 private:
  static constexpr size_t kReceiveBytes = 64 * 1024;

  // As many requests as the window has room for.
  void Fill(Progress& progress) {
    first_part_ = 0;
    for (size_t i = 0; in_flight_ < in_flight_max_ && progress.unsent > 0; ++i) {
      const ProduceFrame& frame = frames_[next_frame_];
      next_frame_ = next_frame_ + 1 == frames_.size() ? 0 : next_frame_ + 1;
      heads_[i] = frame.head;
      SetCorrelationId(heads_[i], next_request_++);
      Add(heads_[i]);
      Add(records_);
      Add(frame.tail);
      ++in_flight_;
      --progress.unsent;
    }
  }

  void Add(Bytes bytes) { parts_.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()}); }

  void Advance(size_t sent_bytes) {
    while (first_part_ < parts_.size() && sent_bytes >= parts_[first_part_].iov_len) {
      sent_bytes -= parts_[first_part_++].iov_len;
    }
    if (first_part_ == parts_.size()) {
      parts_.clear();
      return;
    }
    parts_[first_part_].iov_base = static_cast<std::byte*>(parts_[first_part_].iov_base) + sent_bytes;
    parts_[first_part_].iov_len -= sent_bytes;
  }

  Channel channel_;
  const std::vector<ProduceFrame>& frames_;
  const Bytes records_;
  const int in_flight_max_;
  size_t next_frame_;
  int in_flight_ = 0;
  int32_t next_request_ = 0;
  int32_t next_answer_ = 0;
  std::vector<ByteBuffer> heads_;
  std::vector<iovec> parts_;
  size_t first_part_ = 0;
  ByteBuffer received_;
  size_t received_bytes_ = 0;
};

class Load {
 public:
  Load(const ProduceOptions& options, const std::vector<ProduceFrame>& frames, Bytes records)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (int i = 0; i < options.connection_count; ++i) {
      senders_.push_back(std::make_unique<Sender>(Channel::Connect(options.target.port), frames, records,
                                                  options.in_flight, static_cast<size_t>(i) * 3));
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT | EPOLLET;
      event.data.ptr = senders_.back().get();
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, senders_.back()->fd(), &event) != 0) Die("epoll_ctl failed");
    }
  }
  ~Load() { close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Returns when all of them were answered.
  void Run(int64_t request_count) {
    Progress progress{.unsent = request_count};
    for (auto& sender : senders_) sender->Pump(progress);
    std::array<epoll_event, 256> events;
    while (progress.answered < request_count) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10'000);
      if (count == 0) Die("no answer for ten seconds");
      for (int i = 0; i < count; ++i) {
        auto* sender = static_cast<Sender*>(events[static_cast<size_t>(i)].data.ptr);
        if ((events[static_cast<size_t>(i)].events & EPOLLIN) != 0) sender->OnReadable(progress);
        sender->Pump(progress);
      }
    }
  }

 private:
  const int epoll_;
  std::vector<std::unique_ptr<Sender>> senders_;
};

}  // namespace produce_load

void RunProduce(const ProduceOptions& options) {
  if (options.in_flight > produce_load::kInFlightMax) Die("too many requests in flight");
  const ByteBuffer records = MakeBatch(options.record_count, options.record_bytes);
  std::vector<ProduceFrame> frames;
  {
    Channel channel = Channel::Connect(options.target.port);
    const TopicInfo topic = CreateTopic(channel, options.target.topic, options.partition_count);
    AwaitLeaders(channel, topic);
    for (int32_t i = 0; i < options.partition_count; ++i) {
      frames.push_back(MakeProduceFrame({.topic = topic.id, .partition = i, .acks = options.acks}, records));
    }
  }
  produce_load::Load load(options, frames, records);
  if (options.warm_up_count > 0) load.Run(options.warm_up_count);
  const double cpu_before = CpuSeconds(options.target.broker_pid);
  const int64_t began = NowNanos();
  load.Run(options.request_count);
  const double seconds = static_cast<double>(NowNanos() - began) / 1e9;
  const double cpu_seconds = CpuSeconds(options.target.broker_pid) - cpu_before;
  const auto requests = static_cast<double>(options.request_count);
  const double gigabytes = requests * static_cast<double>(records.size()) / 1e9;
  nlohmann::json line;
  line["seconds"] = seconds;
  line["cpu_seconds"] = cpu_seconds;
  line["requests_per_s"] = requests / seconds;
  line["mb_per_s"] = gigabytes * 1000 / seconds;
  line["cpu_micros_per_request"] = cpu_seconds * 1e6 / requests;
  line["cpu_seconds_per_gb"] = cpu_seconds / gigabytes;
  std::printf("%s\n", line.dump().c_str());
}

}  // namespace odradek::bench
