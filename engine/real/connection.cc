#include "engine/real/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/base/check.h"

namespace odradek::real {
namespace {

constexpr uint32_t kConnectionEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
constexpr size_t kVectorsMax = 64;
// Few, since they stand on the stack of every reader that waits: an idle connection costs one page of it.
constexpr size_t kReadVectorsMax = 4;
// Up to here a copy and one system call are cheaper than sendfile's own call.
constexpr int64_t kCopiedRangeBytesMax = int64_t{16} * 1024;
// Ranges are checked for cold pages and sent in pieces of this size: smaller pieces cost twice the CPU per byte
// (SPEED_DESIGN.md 3).
constexpr int64_t kRangePieceBytes = int64_t{1024} * 1024;
// How long a closed connection waits for its peer to read what was sent.
constexpr Duration kLingerMax = Duration::Seconds(2);

// sendfile has no MSG_NOSIGNAL: to a peer that is gone it raises SIGPIPE, which by default ends the process. Here the
// signal waits while the call runs and is taken back. Two cheap system calls for each piece of a range.
ssize_t SendfileWithoutSignal(int socket, int file, off_t& offset, size_t size_bytes) {
  sigset_t pipe{};
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigset_t before{};
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const ssize_t n = sendfile(socket, file, &offset, size_bytes);
  const int error = errno;
  if (sigismember(&before, SIGPIPE) == 0) {
    const timespec at_once{};
    if (n < 0 && error == EPIPE) sigtimedwait(&pipe, nullptr, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  errno = error;
  return n;
}

RealFile& RealFileOf(const env::FileRange& range) {
  auto* file = dynamic_cast<RealFile*>(range.file);
  INVARIANT(file != nullptr);  // a file of another world
  return *file;
}

int64_t PartBytes(const env::Part& part) {
  if (const auto* bytes = std::get_if<Bytes>(&part)) return static_cast<int64_t>(bytes->size());
  return std::get<env::FileRange>(part).size_bytes;
}

// A closed connection whose peer may still be sending: closing the socket now would answer with a reset, and a reset
// takes what we sent last with it. Reads and drops until the peer's end.
class Lingering final : public EventSource {
 public:
  // Takes the socket's events at once: the connection that had them may be gone before a fiber runs.
  Lingering(Reactor& reactor, UniqueFd fd) : fd_(std::move(fd)) {
    if (reactor.WatchInstead(fd_.get(), *this, EPOLLIN | EPOLLRDHUP) != 0) fd_.Reset();
  }

  void OnEvents(uint32_t) override {
    changed_ = true;
    event_.WakeAll();
  }

  void Run(fiber::Fiber& self) {
    if (!fd_.valid()) return;
    constexpr size_t kDropBytes = size_t{256} * 1024;
    const MonoTime deadline = self.Now() + kLingerMax;
    while (self.Now() < deadline) {
      const ssize_t n = recv(fd_.get(), nullptr, kDropBytes, MSG_DONTWAIT | MSG_TRUNC);
      if (n > 0) {
        fiber::Yield(self);  // a peer that never stops must not hold the shard
        continue;
      }
      if (n == 0 || (errno != EAGAIN && errno != EINTR)) return;
      changed_ = false;
      while (!changed_) {
        if (event_.WaitUntil(self, deadline) == fiber::Wake::kTimeout) return;
      }
    }
  }

 private:
  UniqueFd fd_;
  bool changed_ = false;
  fiber::WaitQueue event_;
};

}  // namespace

// A Send that is left by Killed in the middle has broken the stream.
class RealConnection::SendScope {
 public:
  explicit SendScope(RealConnection& connection) : connection_(connection) {
    REQUIRES(!connection.sending_);
    connection.sending_ = true;
  }
  ~SendScope() {
    connection_.sending_ = false;
    if (!finished_ && connection_.send_error_ == env::NetError::kNone) {
      connection_.send_error_ = env::NetError::kClosed;
    }
  }
  SendScope(const SendScope&) = delete;
  SendScope& operator=(const SendScope&) = delete;
  env::NetError Finish(env::NetError error) {
    finished_ = true;
    return error;
  }

 private:
  RealConnection& connection_;
  bool finished_ = false;
};

RealConnection::RealConnection(NetworkParts& parts, UniqueFd fd, env::Address peer)
    : parts_(parts), fd_(std::move(fd)), peer_(std::move(peer)) {
  const int on = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // fails only on what is no TCP socket
}

RealConnection::~RealConnection() {
  Close();
}

env::NetError RealConnection::Register() {
  const int error = parts_.reactor.Watch(fd_.get(), *this, kConnectionEvents);
  return error == 0 ? env::NetError::kNone : env::NetError::kTooManyOpenFiles;
}

void RealConnection::OnEvents(uint32_t epoll_events) {
  constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if ((epoll_events & kEnd) != 0) peer_ended_ = true;
  if ((epoll_events & (EPOLLIN | kEnd)) != 0) {
    read_ready_ = true;
    reader_.WakeAll();
  }
  if ((epoll_events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    write_ready_ = true;
    writer_.WakeAll();
  }
}

env::NetError RealConnection::Establish(fiber::Fiber& self, const SocketAddress& address, MonoTime deadline) {
  write_ready_ = false;
  int result = 0;
  do {
    result = connect(fd_.get(), address.get(), address.size_bytes);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EINPROGRESS) return NetErrorOf(errno);
  const bool connected = result == 0;
  if (const int error = parts_.reactor.Watch(fd_.get(), *this, kConnectionEvents); error != 0) {
    return env::NetError::kTooManyOpenFiles;
  }
  if (!connected) {
    while (!write_ready_) {
      if (writer_.WaitUntil(self, deadline) == fiber::Wake::kTimeout && !write_ready_) return env::NetError::kTimedOut;
    }
    int error = 0;
    socklen_t size_bytes = sizeof(error);
    INVARIANT(getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size_bytes) == 0);
    if (error != 0) return NetErrorOf(error);
  }
  // A connect to a free port of this machine can meet itself when the kernel picks that very port for this end.
  const SocketAddress local = LocalAddressOf(fd_.get());
  if (ToAddress(local) == ToAddress(address)) return env::NetError::kRefused;
  write_ready_ = true;
  return env::NetError::kNone;
}

env::ReadResult RealConnection::ReadSome(fiber::Fiber& self, std::span<const MutableBytes> into) {
  LeaveIfKilled(self);
  REQUIRES(!into.empty());
  REQUIRES(!reading_);
  into = into.first(std::min(into.size(), kReadVectorsMax));
  std::array<iovec, kReadVectorsMax> vectors;
  size_t wanted_bytes = 0;
  for (size_t i = 0; i < into.size(); ++i) {
    vectors[i] = {into[i].data(), into[i].size()};
    wanted_bytes += into[i].size();
  }
  REQUIRES(wanted_bytes > 0);
  while (true) {
    if (closed_) return {0, env::NetError::kClosed};
    if (read_error_ != env::NetError::kNone) return {0, read_error_};
    if (!read_ready_) {
      struct Reading {
        bool& flag;
        ~Reading() { flag = false; }
      };
      const Reading reading{reading_};
      reading_ = true;
      reader_.Wait(self);
      continue;
    }
    ++parts_.reactor.counters().receives;
    const ssize_t n = readv(fd_.get(), vectors.data(), static_cast<int>(into.size()));
    if (n > 0) {
      // Less than asked for: the socket is empty, and what comes later is a new edge. Once the peer's end has been
      // announced there is no later edge: the next call must see the end.
      if (static_cast<size_t>(n) < wanted_bytes && !peer_ended_) read_ready_ = false;
      return {n, env::NetError::kNone};
    }
    if (n == 0) {
      // A reset that a Send has seen is told only once by the kernel.
      read_error_ = send_error_ == env::NetError::kReset ? env::NetError::kReset : env::NetError::kEnd;
    } else if (errno == EAGAIN) {
      read_ready_ = false;
    } else if (errno != EINTR) {
      read_error_ = env::NetError::kReset;
    }
  }
}

env::NetError RealConnection::Send(fiber::Fiber& self, std::span<const env::Part> parts) {
  LeaveIfKilled(self);
  SendScope scope(*this);
  Cursor at;
  while (true) {
    while (at.part < parts.size() && at.offset == PartBytes(parts[at.part])) at = {at.part + 1, 0};
    if (closed_ || send_shut_) return scope.Finish(env::NetError::kClosed);
    if (send_error_ != env::NetError::kNone) return scope.Finish(send_error_);
    if (at.part == parts.size()) return scope.Finish(env::NetError::kNone);
    if (!write_ready_) {
      writer_.Wait(self);
      continue;
    }
    const Cursor before = at;
    env::NetError error = SendBytes(parts, at);
    const bool stuck = at.part == before.part && at.offset == before.offset && write_ready_;
    // What SendBytes does not take is a range that is large or cold.
    const auto* range = std::get_if<env::FileRange>(&parts[before.part]);
    if (error == env::NetError::kNone && stuck && range != nullptr) error = SendRange(self, *range, at);
    if (error != env::NetError::kNone && !closed_) send_error_ = error;
  }
}

env::NetError RealConnection::SendBytes(std::span<const env::Part> parts, Cursor& at) {
  std::array<iovec, kVectorsMax> vectors;
  size_t count = 0;
  size_t scratch_bytes = 0;
  Cursor next = at;
  for (; next.part < parts.size() && count < kVectorsMax; next = {next.part + 1, 0}) {
    const env::Part& part = parts[next.part];
    const int64_t rest_bytes = PartBytes(part) - next.offset;
    REQUIRES(rest_bytes >= 0);
    if (rest_bytes == 0) continue;
    if (const auto* bytes = std::get_if<Bytes>(&part)) {
      const std::byte* from = bytes->data() + next.offset;
      vectors[count++] = {const_cast<std::byte*>(from), static_cast<size_t>(rest_bytes)};
      continue;
    }
    const auto room_bytes = static_cast<int64_t>(parts_.scratch.size() - scratch_bytes);
    if (rest_bytes > kCopiedRangeBytesMax || rest_bytes > room_bytes) break;
    const env::FileRange& range = std::get<env::FileRange>(part);
    const MutableBytes into(parts_.scratch.data() + scratch_bytes, static_cast<size_t>(rest_bytes));
    if (RealFileOf(range).ReadCached(into, range.begin + next.offset) < rest_bytes) break;
    vectors[count++] = {into.data(), into.size()};
    scratch_bytes += into.size();
  }
  if (count == 0) return env::NetError::kNone;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  const int more = next.part < parts.size() ? MSG_MORE : 0;
  ++parts_.reactor.counters().sends;
  const ssize_t n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL | more);
  if (n < 0) return SendFailed(errno);
  has_sent_ = true;
  for (int64_t left_bytes = n; left_bytes > 0;) {
    const int64_t step_bytes = std::min(left_bytes, PartBytes(parts[at.part]) - at.offset);
    left_bytes -= step_bytes;
    at.offset += step_bytes;
    if (at.offset == PartBytes(parts[at.part])) at = {at.part + 1, 0};
  }
  return env::NetError::kNone;
}

env::NetError RealConnection::SendRange(fiber::Fiber& self, const env::FileRange& range, Cursor& at) {
  RealFile& file = RealFileOf(range);
  const int64_t begin = range.begin + at.offset;
  const int64_t piece_bytes = std::min(range.size_bytes - at.offset, kRangePieceBytes);
  if (file.IsCached(begin, piece_bytes) != Cached::kYes) {
    if (file.WarmUp(self, begin, piece_bytes) != env::DiskError::kNone) return env::NetError::kFile;
    if (closed_) return env::NetError::kClosed;
  }
  off_t offset = begin;
  ++parts_.reactor.counters().sendfiles;
  const ssize_t n = SendfileWithoutSignal(fd_.get(), file.fd(), offset, static_cast<size_t>(piece_bytes));
  if (n > 0) {
    has_sent_ = true;
    at.offset += n;
    return env::NetError::kNone;
  }
  if (n == 0) return env::NetError::kFile;  // the file ends before the range does
  if (errno == EIO || errno == EINVAL || errno == EOVERFLOW || errno == ENOMEM) return env::NetError::kFile;
  return SendFailed(errno);
}

env::NetError RealConnection::SendFailed(int error_number) {
  if (error_number == EAGAIN) {
    write_ready_ = false;
    return env::NetError::kNone;
  }
  return error_number == EINTR ? env::NetError::kNone : env::NetError::kReset;
}

void RealConnection::ShutdownSend() {
  if (closed_ || send_shut_) return;
  send_shut_ = true;
  shutdown(fd_.get(), SHUT_WR);  // ENOTCONN: the connection has failed, and the next read says so
  writer_.WakeAll();
}

void RealConnection::Close() {
  if (closed_) return;
  closed_ = true;
  reader_.WakeAll();
  writer_.WakeAll();
  const bool delivered_or_lost = !has_sent_ || read_error_ != env::NetError::kNone ||
                                 send_error_ != env::NetError::kNone || parts_.reactor.scheduler().is_dead();
  if (delivered_or_lost) {
    fd_.Reset();
  } else {
    Linger();
  }
}

void RealConnection::Linger() {
  shutdown(fd_.get(), SHUT_WR);
  auto lingering = std::make_unique<Lingering>(parts_.reactor, std::move(fd_));
  parts_.reactor.scheduler().Spawn("real.linger",
                                   [lingering = std::move(lingering)](fiber::Fiber& self) { lingering->Run(self); });
}

}  // namespace odradek::real
