#include "sim/network/connection.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/base/check.h"

namespace odradek::sim {
namespace {

// A file range travels through a buffer of this size.
constexpr size_t kScratchBytes = 32 * 1024;
constexpr int32_t kPortMax = 65535;

// One fiber reads and one sends at a time; a kill leaves by exception.
class BusyScope {
 public:
  explicit BusyScope(bool& flag) : flag_(flag) {
    REQUIRES(!flag_);
    flag_ = true;
  }
  ~BusyScope() { flag_ = false; }
  BusyScope(const BusyScope&) = delete;
  BusyScope& operator=(const BusyScope&) = delete;

 private:
  bool& flag_;
};

// In a process that is dying nothing may have an effect any more: the next wait throws.
void LeaveIfKilled(fiber::Fiber& self) {
  if (self.is_killed()) fiber::Yield(self);
}

}  // namespace

SimConnection::~SimConnection() {
  Close();
  streams_.Disown(id_);
}

void SimConnection::Close() {
  if (is_closed_) return;
  is_closed_ = true;
  streams_.Close(id_);
}

env::ReadResult SimConnection::ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) {
  LeaveIfKilled(self);
  const BusyScope busy(is_reading_);
  const NetworkOptions& options = streams_.options();
  if (draws_.MaybePartsPerMillion(options.yield_ppm)) fiber::Yield(self);
  size_t wanted = 0;
  for (const MutableBytes part : into) wanted += part.size();
  REQUIRES(wanted > 0);
  while (mine_.visible_bytes == 0) {
    if (is_closed_) return {.size_bytes = 0, .error = env::NetError::kClosed};
    if (mine_.error != env::NetError::kNone) return {.size_bytes = 0, .error = mine_.error};
    if (mine_.end_arrived && mine_.ring.size() == 0) return {.size_bytes = 0, .error = env::NetError::kEnd};
    mine_.readable.Wait(self);
  }
  size_t take = std::min(wanted, mine_.visible_bytes);
  if (take > 1 && draws_.MaybePartsPerMillion(options.short_read_ppm)) take = 1 + draws_.Below(take - 1);
  if (mine_.is_one_byte) take = 1;
  size_t left = take;
  for (const MutableBytes part : into) {
    const size_t piece = std::min(left, part.size());
    if (piece > 0) mine_.ring.Take(part.first(piece));
    left -= piece;
  }
  mine_.visible_bytes -= take;
  streams_.kernel().Fold(id_.value(), take);
  streams_.NoteRead(id_);
  return {.size_bytes = static_cast<int64_t>(take), .error = env::NetError::kNone};
}

inline env::NetError SimConnection::SendError() {
  if (is_closed_) return env::NetError::kClosed;
  if (mine_.error != env::NetError::kNone) return mine_.error;
  if (mine_.is_severed) return env::NetError::kReset;
  if (mine_.has_sent_end) return env::NetError::kClosed;
  return env::NetError::kNone;
}

inline size_t SimConnection::DrawSegmentBytes() {
  constexpr uint64_t kSplitBytesMax = 2000;  // above a packet's payload, so that both small and large pieces occur
  if (!draws_.MaybePartsPerMillion(streams_.options().split_send_ppm)) return std::numeric_limits<size_t>::max();
  return 1 + draws_.Below(kSplitBytesMax);
}

inline void SimConnection::Append(Bytes bytes) {
  peer_.ring.Append(bytes);
  unsent_bytes_ += bytes.size();
  if (streams_.options().fold_payloads) streams_.kernel().FoldBytes(bytes);
}

inline void SimConnection::Flush(Streams::Travel travel) {
  if (unsent_bytes_ == 0) return;
  streams_.Transmit(id_, unsent_bytes_, travel);
  unsent_bytes_ = 0;
}

inline env::NetError SimConnection::SendBytes(fiber::Fiber& self, Bytes bytes) {
  while (!bytes.empty()) {
    size_t room = Room();
    if (room == 0) {
      Flush(Streams::Travel::kDrawn);
      if (const env::NetError error = WaitForRoom(self); error != env::NetError::kNone) return error;
      room = Room();
    }
    const size_t piece = std::min({bytes.size(), room, segment_bytes_});
    Append(bytes.first(piece));
    bytes = bytes.subspan(piece);
    segment_bytes_ -= piece;
    if (segment_bytes_ > 0) continue;
    Flush(Streams::Travel::kDrawn);
    segment_bytes_ = DrawSegmentBytes();
  }
  return env::NetError::kNone;
}

env::NetError SimConnection::Send(fiber::Fiber& self, std::span<const env::Part> parts) {
  LeaveIfKilled(self);
  const BusyScope busy(is_sending_);
  if (draws_.MaybePartsPerMillion(streams_.options().yield_ppm)) fiber::Yield(self);
  if (const env::NetError error = SendError(); error != env::NetError::kNone) return error;
  segment_bytes_ = DrawSegmentBytes();
  for (const env::Part& part : parts) {
    const auto* bytes = std::get_if<Bytes>(&part);
    const env::NetError error =
        bytes != nullptr ? SendBytes(self, *bytes) : SendFile(self, std::get<env::FileRange>(part));
    if (error != env::NetError::kNone) return error;
  }
  Flush(Streams::Travel::kDrawn);
  return env::NetError::kNone;
}

env::NetError SimConnection::WaitForRoom(fiber::Fiber& self) {
  REQUIRES(unsent_bytes_ == 0);
  while (true) {
    if (const env::NetError error = SendError(); error != env::NetError::kNone) return error;
    if (Room() > 0) return env::NetError::kNone;
    mine_.wants_room = true;
    mine_.writable.Wait(self);
  }
}

env::NetError SimConnection::SendFile(fiber::Fiber& self, const env::FileRange& range) {
  REQUIRES(range.file != nullptr);
  REQUIRES(range.size_bytes >= 0);
  Flush(Streams::Travel::kDrawn);
  std::vector<std::byte> scratch(std::min(kScratchBytes, static_cast<size_t>(range.size_bytes)));
  int64_t sent_bytes = 0;
  while (sent_bytes < range.size_bytes) {
    const env::NetError error = SendFilePiece(self, range, scratch, sent_bytes);
    if (error != env::NetError::kNone) return error;
  }
  return env::NetError::kNone;
}

env::NetError SimConnection::SendFilePiece(fiber::Fiber& self, const env::FileRange& range, MutableBytes scratch,
                                           int64_t& sent_bytes) {
  if (const env::NetError error = WaitForRoom(self); error != env::NetError::kNone) return error;
  const bool is_late = draws_.PartsPerMillion(streams_.options().late_file_ppm);
  if (is_late) {
    // The bytes are looked at when they leave, after the time that they would have been on their way.
    const MonoTime until = self.Now() + streams_.DrawLatency(id_);
    while (self.Now() < until) {
      if (const env::NetError error = SendError(); error != env::NetError::kNone) return error;
      mine_.writable.WaitUntil(self, until);
    }
  }
  const auto left = static_cast<size_t>(range.size_bytes - sent_bytes);
  const MutableBytes piece = scratch.first(std::min({left, scratch.size(), Room()}));
  const env::IoResult read = range.file->ReadAt(self, piece, range.begin + sent_bytes);
  if (const env::NetError error = SendError(); error != env::NetError::kNone) return error;
  if (!read.ok() || read.size_bytes != static_cast<int64_t>(piece.size())) {
    streams_.Abort(id_);
    return env::NetError::kFile;
  }
  Append(piece);
  Flush(is_late ? Streams::Travel::kAtOnce : Streams::Travel::kDrawn);
  sent_bytes += read.size_bytes;
  return env::NetError::kNone;
}

bool SimListener::Open(NodeIndex host, const env::Address& address) {
  port_.host = host;
  port_.address = address;
  return streams_.Listen(port_);
}

env::ConnectionResult SimListener::Accept(fiber::Fiber& self) {
  LeaveIfKilled(self);
  while (true) {
    if (!port_.is_open) return {.connection = nullptr, .error = env::NetError::kClosed};
    if (!port_.backlog.empty()) break;
    port_.waiters.Wait(self);
  }
  const EndId id = port_.backlog.front();
  const uint32_t fails_ppm = streams_.options().accept_fails_ppm;
  if (fails_ppm > 0 && streams_.wire(id).draws.PartsPerMillion(fails_ppm)) {
    return {.connection = nullptr, .error = env::NetError::kTooManyOpenFiles};
  }
  port_.backlog.pop_front();
  return {.connection = std::make_unique<SimConnection>(streams_, id), .error = env::NetError::kNone};
}

env::ListenResult HostNetwork::Listen(fiber::Fiber& self, const env::Address& address) {
  LeaveIfKilled(self);
  const std::optional<NodeIndex> host = streams_.Resolve(address.host, host_);
  if (host != host_ || address.port < 0 || address.port > kPortMax) {
    return {.listener = nullptr, .error = env::NetError::kBadAddress};
  }
  env::Address chosen = address;
  if (chosen.port == 0) chosen.port = streams_.NextPort(host_);
  auto listener = std::make_unique<SimListener>(streams_);
  if (!listener->Open(host_, chosen)) return {.listener = nullptr, .error = env::NetError::kAddressInUse};
  return {.listener = std::move(listener), .error = env::NetError::kNone};
}

env::ConnectionResult HostNetwork::Connect(fiber::Fiber& self, const env::Address& address, MonoTime deadline) {
  LeaveIfKilled(self);
  const std::optional<NodeIndex> host = streams_.Resolve(address.host, host_);
  if (!host.has_value() || address.port <= 0 || address.port > kPortMax) {
    return {.connection = nullptr, .error = env::NetError::kBadAddress};
  }
  const EndId id = streams_.Open({.from = host_, .to = *host}, address.port);
  auto connection = std::make_unique<SimConnection>(streams_, id);
  End& mine = streams_.end(id);
  while (mine.state == End::State::kConnecting) {
    const fiber::Wake wake = mine.writable.WaitUntil(self, deadline);
    if (wake == fiber::Wake::kTimeout && mine.state == End::State::kConnecting) {
      return {.connection = nullptr, .error = env::NetError::kTimedOut};
    }
  }
  if (mine.error != env::NetError::kNone) return {.connection = nullptr, .error = mine.error};
  return {.connection = std::move(connection), .error = env::NetError::kNone};
}

}  // namespace odradek::sim
