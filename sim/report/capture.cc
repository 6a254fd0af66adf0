#include "sim/report/capture.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <utility>

#include "engine/base/check.h"
#include "sim/explore/describe.h"

namespace odradek::report {
namespace {

// Writes each piece at once, with its length before it: a process that dies takes nothing with it.
class PieceWriter final : public sim::TraceSink {
 public:
  explicit PieceWriter(int fd) : fd_(fd) {}

  void Add(sim::TraceEntry entry) override {
    Piece piece;
    TraceLine& line = *piece.mutable_line();
    line.set_at_ns(entry.time.nanos());
    line.set_event_number(entry.event_number);
    line.set_kind(std::string(ToString(entry.kind)));
    if (entry.kind != sim::TraceKind::kFiber) {
      line.set_node(std::move(entry.node_name));
      line.set_place(PlaceText(entry.place));
      line.set_text(std::move(entry.text));
    }
    Write(piece);
  }

  void Write(const Piece& piece) {
    const std::string body = piece.SerializeAsString();
    const auto size_bytes = static_cast<uint32_t>(body.size());
    std::string bytes(reinterpret_cast<const char*>(&size_bytes), sizeof(size_bytes));
    bytes += body;
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = write(fd_, bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) _exit(1);
      done += static_cast<size_t>(n);
    }
  }

 private:
  static std::string PlaceText(const sim::Place& place) {
    std::string text;
    if (place.shard.value() >= 0) text = fmt::format("{}", place.shard.value());
    if (place.fiber != 0) text += fmt::format(" {}({})", place.fiber_name, place.fiber);
    return text;
  }

  const int fd_;
};

Ending Describe(explore::RunResult result, const explore::RunReport& report) {
  Ending ending;
  *ending.mutable_result() = std::move(result);
  for (const history::Violation& violation : report.violations) {
    Finding& finding = *ending.add_findings();
    finding.set_property(violation.property);
    finding.set_what(violation.what);
    finding.mutable_at_ns()->Add(violation.at_ns.begin(), violation.at_ns.end());
    for (std::string& line : explore::DescribeEvidence(report.history, violation)) {
      finding.add_evidence(std::move(line));
    }
  }
  return ending;
}

[[noreturn]] void BeChild(int fd, const RunBody& body, const CaptureLimits& limits) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(ODRADEK_SANITIZED)
  const auto memory_bytes = static_cast<rlim_t>(limits.memory_bytes_max);
  const rlimit memory{memory_bytes, memory_bytes};
  setrlimit(RLIMIT_AS, &memory);
#endif
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  // What an assertion says is known from the campaign already.
  std::FILE* const nothing = std::freopen("/dev/null", "w", stderr);
  INVARIANT(nothing != nullptr);
  alarm(static_cast<unsigned>(limits.seconds_max));
  PieceWriter writer(fd);
  explore::RunReport report;
  Piece last;
  explore::RunResult result = body(&writer, &report);
  *last.mutable_ending() = Describe(std::move(result), report);
  writer.Write(last);
  _exit(0);
}

bool ReadFully(int fd, char* into, size_t size_bytes) {
  size_t done = 0;
  while (done < size_bytes) {
    const ssize_t n = read(fd, into + done, size_bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

bool ReadPiece(int fd, Piece& piece) {
  uint32_t size_bytes = 0;
  if (!ReadFully(fd, reinterpret_cast<char*>(&size_bytes), sizeof(size_bytes))) return false;
  std::string body(size_bytes, '\0');
  return ReadFully(fd, body.data(), body.size()) && piece.ParseFromString(body);
}

bool IsAlwaysKept(const TraceLine& line) {
  return line.kind() == "run" || line.kind() == "node" || line.kind() == "fault";
}

// The oldest lines go first, but for those that are always kept.
class LineStore {
 public:
  explicit LineStore(size_t lines_max) : lines_max_(lines_max) {}

  void Add(TraceLine line) {
    recent_.push_back(std::move(line));
    if (recent_.size() <= lines_max_) return;
    if (IsAlwaysKept(recent_.front())) {
      old_.push_back(std::move(recent_.front()));
    } else {
      ++cut_count_;
    }
    recent_.pop_front();
  }

  uint64_t cut_count() const { return cut_count_; }

  std::vector<TraceLine> Take() {
    for (TraceLine& line : recent_) old_.push_back(std::move(line));
    return std::move(old_);
  }

 private:
  const size_t lines_max_;
  std::vector<TraceLine> old_;
  std::deque<TraceLine> recent_;
  uint64_t cut_count_ = 0;
};

std::string HowItDied(int status, int seconds_max) {
  if (!WIFSIGNALED(status)) return fmt::format("exited with code {}", WEXITSTATUS(status));
  if (WTERMSIG(status) == SIGALRM) return fmt::format("did not end within {} s", seconds_max);
  return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

}  // namespace

Picture Capture(const RunBody& body, const CaptureLimits& limits) {
  int pipe_fds[2];
  INVARIANT(pipe(pipe_fds) == 0);
  std::fflush(nullptr);
  const pid_t child = fork();
  INVARIANT(child >= 0);
  if (child == 0) {
    close(pipe_fds[0]);
    BeChild(pipe_fds[1], body, limits);
  }
  close(pipe_fds[1]);
  Picture picture;
  LineStore lines(limits.lines_max);
  Piece piece;
  while (ReadPiece(pipe_fds[0], piece)) {
    if (piece.has_ending()) {
      picture.has_ended = true;
      picture.ending = std::move(*piece.mutable_ending());
    } else if (piece.line().kind() == "fiber") {
      ++picture.fiber_line_count;
    } else {
      lines.Add(std::move(*piece.mutable_line()));
    }
  }
  close(pipe_fds[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!picture.has_ended) picture.how_it_died = HowItDied(status, limits.seconds_max);
  picture.cut_line_count = lines.cut_count();
  picture.lines = lines.Take();
  return picture;
}

}  // namespace odradek::report
