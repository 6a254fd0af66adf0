// Arbitrary bytes as the stream of one connection, in reads of arbitrary sizes, under small limits: the frames, the way
// it ends and the words that say so are those of a reader that sees all bytes at once; nothing is charged or lent out
// beyond what limit and budget allow, and all of it comes back; and the header of what the frames hold is that of their
// bytes, so that a request that is refused is named by what it asked for.
//
// An input is the limit of a frame, the budget (two bytes each), how many frames somebody holds while the next ones
// come, how many sizes of reads follow (a byte each), those (a byte each), and the stream.
#include <algorithm>
#include <deque>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/check.h"
#include "engine/net/frame_reader.h"
#include "engine/protocol/framing.h"
#include "engine/protocol/generated/api_versions.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/generated/produce.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/runner.h"

namespace odradek::fuzz {
namespace {

using net::BufferPool;
using net::Frame;
using net::FrameError;
using net::FrameReader;
using net::FrameResult;
using net::MemoryBudget;

constexpr size_t kHeadBytes = 6;
constexpr size_t kLengthBytes = 4;
constexpr int32_t kFrameBytesMaxSmallest = 1;

struct Case {
  int32_t frame_bytes_max = 0;
  int64_t budget_bytes = 0;
  size_t held_count_max = 0;
  Bytes read_sizes;  // again from the front when they are used up; none: all that fits
  Bytes stream;
};

struct Outcome {
  std::vector<std::string> frames;
  FrameError error = FrameError::kNone;
  std::string what;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::optional<Case> ParseCase(Bytes input) {
  if (input.size() < kHeadBytes) return std::nullopt;
  Case out;
  out.frame_bytes_max = std::max<int32_t>(LoadBigEndian<uint16_t>(input.data()), kFrameBytesMaxSmallest);
  out.budget_bytes = std::max<int64_t>(LoadBigEndian<uint16_t>(input.data() + 2), 1);
  out.held_count_max = static_cast<size_t>(input[4]) % 4;
  const size_t size_count = std::min(static_cast<size_t>(input[5]), input.size() - kHeadBytes);
  out.read_sizes = input.subspan(kHeadBytes, size_count);
  out.stream = input.subspan(kHeadBytes + size_count);
  return out;
}

class ScriptedConnection final : public env::Connection {
 public:
  ScriptedConnection(const Case& what, Bytes read_sizes) : case_(what), read_sizes_(read_sizes), left_(what.stream) {}

  env::ReadResult ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) override {
    if (self.scheduler().fiber_count() > 1) fiber::Yield(self);
    size_t lent_bytes = 0;
    for (const MutableBytes part : into) lent_bytes += part.size();
    REQUIRES(lent_bytes > 0);
    REQUIRES(lent_bytes <= FrameReader::kLookAheadBytes + static_cast<size_t>(case_.frame_bytes_max));
    if (left_.empty()) return {0, env::NetError::kEnd};
    size_t wanted_bytes = std::min(NextSize(), left_.size());
    int64_t done_bytes = 0;
    for (const MutableBytes part : into) {
      const size_t size_bytes = std::min(wanted_bytes, part.size());
      std::ranges::copy(left_.first(size_bytes), part.begin());
      left_ = left_.subspan(size_bytes);
      wanted_bytes -= size_bytes;
      done_bytes += static_cast<int64_t>(size_bytes);
    }
    return {done_bytes, env::NetError::kNone};
  }
  env::NetError Send(fiber::Fiber&, std::span<const env::Part>) override { return env::NetError::kReset; }
  void ShutdownSend() override {}
  void Close() override {}
  const env::Address& peer() const override { return peer_; }

 private:
  size_t NextSize() {
    if (read_sizes_.empty()) return left_.size();
    return std::max<size_t>(static_cast<size_t>(read_sizes_[next_size_++ % read_sizes_.size()]), 1);
  }

  const Case& case_;
  const Bytes read_sizes_;
  Bytes left_;
  size_t next_size_ = 0;
  const env::Address peer_{"client", 1};
};

// The same, written as one would say it.
Outcome Expected(const Case& what) {
  Outcome out;
  Bytes left = what.stream;
  while (left.size() >= kLengthBytes) {
    const auto length = LoadBigEndian<int32_t>(left.data());
    if (length <= 0 || length > what.frame_bytes_max) {
      out.error = FrameError::kBadLength;
      return out;
    }
    if (left.size() - kLengthBytes < static_cast<size_t>(length)) break;
    out.frames.emplace_back(AsString(left.subspan(kLengthBytes, static_cast<size_t>(length))));
    left = left.subspan(kLengthBytes + static_cast<size_t>(length));
  }
  out.error = left.empty() ? FrameError::kEnd : FrameError::kTruncated;
  return out;
}

// Lets go of frames, the oldest first, when nothing else can go on.
class Holder {
 public:
  Holder(fiber::Fiber& owner, size_t held_count_max) : held_count_max_(held_count_max), fibers_(owner) {}
  void Hold(Frame frame) {
    held_.push_back(std::move(frame));
    if (held_.size() > held_count_max_) held_.pop_front();
    if (held_.empty() || fibers_.count() > 0) return;
    fibers_.Spawn("holder", [this](fiber::Fiber& self) {
      while (!held_.empty()) {
        fiber::SleepFor(self, Duration::Millis(1));
        held_.pop_front();
      }
    });
  }
  void Join(fiber::Fiber& self) { fibers_.Join(self); }

 private:
  const size_t held_count_max_;
  std::deque<Frame> held_;
  fiber::TaskGroup fibers_;
};

Outcome ReadAll(fiber::Fiber& self, const Case& what, Bytes read_sizes, size_t held_count_max) {
  // Nothing is kept, so that memory that is touched after its frame is seen.
  BufferPool pool({.cached_bytes_max = 0});
  MemoryBudget budget(what.budget_bytes);
  ScriptedConnection connection(what, read_sizes);
  Outcome out;
  {
    FrameReader reader(connection, pool, {.frame_bytes_max = what.frame_bytes_max, .budget = &budget});
    Holder holder(self, held_count_max);
    while (out.error == FrameError::kNone) {
      FrameResult read = reader.ReadFrame(self);
      INVARIANT(pool.in_use_count() <= held_count_max + 1);
      INVARIANT(budget.free_bytes() >= 0);
      out.error = read.error;
      out.what = read.what;
      INVARIANT(read.ok() == read.what.empty());
      if (!read.ok()) break;
      out.frames.emplace_back(AsString(read.frame.bytes()));
      holder.Hold(std::move(read.frame));
    }
    INVARIANT(reader.received_bytes() <= static_cast<int64_t>(what.stream.size()));
    INVARIANT(!reader.ReadFrame(self).ok());
    holder.Join(self);
  }
  INVARIANT(pool.in_use_count() == 0);
  INVARIANT(budget.free_bytes() == what.budget_bytes);
  return out;
}

// False: it would be refused.
bool CheckHeader(std::string_view frame) {
  const Bytes bytes = AsBytes(frame);
  protocol::Reader reader(bytes);
  protocol::RequestHeader header;
  const protocol::RequestHeaderStatus status = protocol::DecodeRequestHeader(reader, header);
  const size_t known_bytes = 2 * sizeof(int16_t) + sizeof(int32_t);
  if (bytes.size() < known_bytes) {
    INVARIANT(status == protocol::RequestHeaderStatus::kMalformed);
    return false;
  }
  INVARIANT(header.request_api_key == LoadBigEndian<int16_t>(bytes.data()));
  INVARIANT(header.request_api_version == LoadBigEndian<int16_t>(bytes.data() + 2));
  INVARIANT(header.correlation_id == LoadBigEndian<int32_t>(bytes.data() + 4));
  INVARIANT((status == protocol::RequestHeaderStatus::kMalformed) == reader.failed());
  return status == protocol::RequestHeaderStatus::kOk;
}

Runner& TheRunner() {
  static Runner kRunner;
  return kRunner;
}

template <typename Request>
void AppendRequest(int16_t version, int32_t correlation_id, ByteBuffer& stream) {
  protocol::RequestHeader header;
  header.request_api_key = Request::kApiKey;
  header.request_api_version = version;
  header.correlation_id = correlation_id;
  header.client_id = "fuzzer";
  protocol::Writer writer;
  REQUIRES(protocol::EncodeFramed(header, Request(), writer));
  AppendBytes(stream, writer.Take());
}

}  // namespace

// What a client sends first, in all at once, in single bytes, and in pieces; with room for one of them, and for all.
std::vector<std::string> Seeds() {
  ByteBuffer stream;
  AppendRequest<protocol::ApiVersionsRequest>(3, 0, stream);
  AppendRequest<protocol::MetadataRequest>(12, 1, stream);
  AppendRequest<protocol::ProduceRequest>(9, 2, stream);
  AppendRequest<protocol::MetadataRequest>(1, 3, stream);
  const std::string pieces[] = {std::string(), std::string(1, 1), std::string({3, 5, 100})};
  std::vector<std::string> seeds;
  for (const uint16_t budget_bytes : {40, 1000}) {
    for (const std::string& sizes : pieces) {
      ByteBuffer seed;
      AppendBigEndian<uint16_t>(seed, 100);
      AppendBigEndian<uint16_t>(seed, budget_bytes);
      AppendBigEndian<uint8_t>(seed, 2);
      AppendBigEndian<uint8_t>(seed, static_cast<uint8_t>(sizes.size()));
      AppendBytes(seed, AsBytes(sizes));
      AppendBytes(seed, stream);
      seeds.emplace_back(AsString(seed));
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  const std::optional<Case> what = ParseCase(input);
  if (!what) return false;
  const Outcome expected = Expected(*what);
  bool is_understood = !expected.frames.empty() && expected.error == FrameError::kEnd;
  TheRunner().Run([&](fiber::Fiber& self) {
    const Outcome whole = ReadAll(self, *what, {}, 0);
    INVARIANT(whole.frames == expected.frames);
    INVARIANT(whole.error == expected.error);
    INVARIANT(ReadAll(self, *what, what->read_sizes, what->held_count_max) == whole);
  });
  for (const std::string& frame : expected.frames) is_understood &= CheckHeader(frame);
  return is_understood;
}

}  // namespace odradek::fuzz
