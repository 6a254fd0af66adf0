// Fetch requests for what a topic holds, the bytes thrown away. Each connection reads its partitions to the end and
// then from the start again, without a session: every request names all partitions of the connection.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/protocol/generated/fetch.h"
#include "engine/record/batch.h"
#include "tests/bench/compare/broker_process.h"
#include "tests/bench/compare/channel.h"
#include "tests/bench/compare/fetch_frame.h"
#include "tests/bench/compare/loads.h"

namespace odradek::bench {
namespace fetch_load {

// One connection: a request under way, its answer received piece by piece.
class Reader {
 public:
  Reader(Channel channel, FetchFrom from, std::vector<int32_t> partitions)
      : channel_(std::move(channel)), from_(from), partitions_(std::move(partitions)) {
    offsets_.resize(partitions_.size(), 0);
    frame_.resize(size_t{16} << 20);
    channel_.SetNonBlocking();
  }

  int fd() const { return channel_.fd(); }

  void SendNext() {
    const ByteBuffer request = MakeFetchRequest(from_, partitions_, offsets_);
    if (!channel_.SendAll(request)) Die("a connection broke while sending");
    filled_ = 0;
    wanted_ = sizeof(int32_t);
    has_length_ = false;
  }

  // Bytes of records that became complete.
  int64_t OnReadable() {
    int64_t records_bytes = 0;
    while (true) {
      const ssize_t n = recv(fd(), frame_.data() + filled_, wanted_ - filled_, 0);
      if (n < 0 && errno == EAGAIN) return records_bytes;
      if (n <= 0) Die("a connection broke while receiving");
      filled_ += static_cast<size_t>(n);
      if (filled_ < wanted_) continue;
      if (!has_length_) {
        has_length_ = true;
        wanted_ = static_cast<size_t>(LoadBigEndian<int32_t>(frame_.data()));
        filled_ = 0;
        if (frame_.size() < wanted_) frame_.resize(wanted_);
        continue;
      }
      records_bytes += TakeAnswer();
      SendNext();
    }
  }

 private:
  int64_t TakeAnswer() {
    int64_t records_bytes = 0;
    for (const FetchedPartition& fetched : ParseFetchAnswer(Bytes(frame_.data(), wanted_))) {
      const auto at = std::find(partitions_.begin(), partitions_.end(), fetched.partition);
      if (at == partitions_.end()) Die("an answer for another partition");
      int64_t& offset = offsets_[static_cast<size_t>(at - partitions_.begin())];
      offset = std::max(offset, fetched.next_offset);
      if (offset >= fetched.high_watermark) offset = 0;
      records_bytes += static_cast<int64_t>(fetched.records.size());
    }
    return records_bytes;
  }

  Channel channel_;
  const FetchFrom from_;
  const std::vector<int32_t> partitions_;
  std::vector<int64_t> offsets_;
  ByteBuffer frame_;
  size_t filled_ = 0;
  size_t wanted_ = 0;
  bool has_length_ = false;
};

}  // namespace fetch_load

void RunFetch(const FetchOptions& options) {
  std::vector<std::unique_ptr<fetch_load::Reader>> readers;
  {
    Channel channel = Channel::Connect(options.target.port);
    const auto topic = TryDescribeTopic(channel, options.target.topic);
    if (!topic) Die("no topic " + options.target.topic);
    for (int i = 0; i < options.connection_count; ++i) {
      std::vector<int32_t> mine;
      for (int32_t p = i; p < topic->partition_count; p += options.connection_count) mine.push_back(p);
      const FetchFrom from{.topic = topic->id, .partition_bytes_max = options.partition_bytes_max};
      readers.push_back(std::make_unique<fetch_load::Reader>(Channel::Connect(options.target.port), from, mine));
    }
  }
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (auto& reader : readers) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = reader.get();
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, reader->fd(), &event) != 0) Die("epoll_ctl failed");
  }
  const double cpu_before = CpuSeconds(options.target.broker_pid);
  const int64_t began = NowNanos();
  for (auto& reader : readers) reader->SendNext();
  int64_t received_bytes = 0;
  std::array<epoll_event, 64> events;
  while (received_bytes < options.total_bytes) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 10'000);
    if (count == 0) Die("no answer for ten seconds");
    for (int i = 0; i < count; ++i) {
      received_bytes += static_cast<fetch_load::Reader*>(events[static_cast<size_t>(i)].data.ptr)->OnReadable();
    }
  }
  const double seconds = static_cast<double>(NowNanos() - began) / 1e9;
  const double cpu_seconds = CpuSeconds(options.target.broker_pid) - cpu_before;
  close(epoll);
  const double gigabytes = static_cast<double>(received_bytes) / 1e9;
  nlohmann::json line;
  line["seconds"] = seconds;
  line["cpu_seconds"] = cpu_seconds;
  line["mb_per_s"] = gigabytes * 1000 / seconds;
  line["cpu_seconds_per_gb"] = cpu_seconds / gigabytes;
  std::printf("%s\n", line.dump().c_str());
}

}  // namespace odradek::bench
