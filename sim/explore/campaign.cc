#include "sim/explore/campaign.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "engine/base/check.h"
#include "engine/base/prng.h"

namespace odradek::explore {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kCrashTextBytesMax = 4096;

bool WriteAll(int fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool ReadAll(int fd, void* data, size_t size) {
  char* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

// A child process that runs jobs one after the other: job indices come in, results go out.
class Worker {
 public:
  Worker(const std::vector<Job>& jobs, const CampaignOptions& options, const Runner& runner)
      : jobs_(jobs), options_(options), runner_(runner) {
    Start();
  }
  ~Worker() { Stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool is_idle() const { return !job_.has_value(); }
  int result_fd() const { return result_fd_; }
  size_t job() const { return *job_; }
  Clock::time_point deadline() const { return started_at_ + options_.run_timeout; }

  void Give(size_t job) {
    job_ = job;
    started_at_ = Clock::now();
    INVARIANT(ftruncate(fileno(stderr_file_), 0) == 0);
    WriteAll(job_fd_, &job, sizeof(job));
  }

  // The result of the current job; the process is replaced if it died.
  RunResult Take() {
    RunResult result;
    uint64_t size = 0;
    std::string bytes;
    bool whole = ReadAll(result_fd_, &size, sizeof(size));
    if (whole) {
      bytes.resize(size);
      whole = ReadAll(result_fd_, bytes.data(), bytes.size()) && result.ParseFromString(bytes);
    }
    if (!whole) result = Bury(CRASH);
    job_.reset();
    return result;
  }

  RunResult TimeOut() {
    kill(pid_, SIGKILL);
    RunResult result = Bury(TIMEOUT);
    job_.reset();
    return result;
  }

 private:
  void Start() {
    int jobs_pipe[2];
    int results_pipe[2];
    INVARIANT(pipe2(jobs_pipe, O_CLOEXEC) == 0);
    INVARIANT(pipe2(results_pipe, O_CLOEXEC) == 0);
    stderr_file_ = std::tmpfile();
    INVARIANT(stderr_file_ != nullptr);
    std::fflush(nullptr);
    pid_ = fork();
    INVARIANT(pid_ >= 0);
    if (pid_ == 0) {
      close(jobs_pipe[1]);
      close(results_pipe[0]);
      Work(jobs_pipe[0], results_pipe[1]);
    }
    close(jobs_pipe[0]);
    close(results_pipe[1]);
    job_fd_ = jobs_pipe[1];
    result_fd_ = results_pipe[0];
  }

  void Stop() {
    close(job_fd_);
    close(result_fd_);
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    std::fclose(stderr_file_);
  }

  [[noreturn]] void Work(int job_fd, int result_fd) {
    dup2(fileno(stderr_file_), STDERR_FILENO);
    fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
#if !defined(__SANITIZE_ADDRESS__) && !defined(ODRADEK_SANITIZED)
    const auto bytes = static_cast<rlim_t>(options_.worker_memory_bytes_max);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
#endif
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    size_t job = 0;
    while (ReadAll(job_fd, &job, sizeof(job))) {
      const std::string bytes_out = runner_(jobs_[job]).SerializeAsString();
      const uint64_t size = bytes_out.size();
      if (!WriteAll(result_fd, &size, sizeof(size)) || !WriteAll(result_fd, bytes_out.data(), size)) break;
    }
    _exit(0);
  }

  // The process is dead or dying: collects what is known and starts another one.
  RunResult Bury(Verdict verdict) {
    int status = 0;
    waitpid(pid_, &status, 0);
    RunResult result;
    result.set_scenario(jobs_[*job_].scenario_name);
    result.set_seed(jobs_[*job_].seed);
    result.set_verdict(verdict);
    result.set_wall_ns((Clock::now() - started_at_).count());
    std::string text(kCrashTextBytesMax, '\0');
    std::fflush(stderr_file_);
    const off_t size = lseek(fileno(stderr_file_), 0, SEEK_END);
    const off_t from = std::max<off_t>(0, size - static_cast<off_t>(text.size()));
    const ssize_t n = pread(fileno(stderr_file_), text.data(), text.size(), from);
    text.resize(n > 0 ? static_cast<size_t>(n) : 0);
    if (verdict == TIMEOUT) {
      text = fmt::format("no result after {} s of wall-clock time\n", options_.run_timeout.count()) + text;
    } else if (WIFSIGNALED(status)) {
      text += fmt::format("killed by signal {} ({})\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
      text += fmt::format("exited with code {} without a result\n", WEXITSTATUS(status));
    }
    result.set_crash_text(text);
    close(job_fd_);
    close(result_fd_);
    std::fclose(stderr_file_);
    Start();
    return result;
  }

  const std::vector<Job>& jobs_;
  const CampaignOptions& options_;
  const Runner& runner_;
  pid_t pid_ = -1;
  int job_fd_ = -1;
  int result_fd_ = -1;
  std::FILE* stderr_file_ = nullptr;
  std::optional<size_t> job_;
  Clock::time_point started_at_;
};

// Waits for a result or for the nearest deadline.
void WaitForResults(std::vector<std::unique_ptr<Worker>>& workers, std::vector<Worker*>& ready) {
  std::vector<pollfd> fds;
  std::vector<Worker*> busy;
  auto nearest = Clock::time_point::max();
  for (auto& worker : workers) {
    if (worker->is_idle()) continue;
    fds.push_back({worker->result_fd(), POLLIN, 0});
    busy.push_back(worker.get());
    nearest = std::min(nearest, worker->deadline());
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(nearest - Clock::now()).count();
  poll(fds.data(), fds.size(), static_cast<int>(std::clamp<int64_t>(left + 1, 0, 1000)));
  ready.clear();
  for (size_t i = 0; i < fds.size(); ++i) {
    if (fds[i].revents != 0) ready.push_back(busy[i]);
  }
}

}  // namespace

std::vector<RunResult> RunCampaign(const std::vector<Job>& jobs, const CampaignOptions& options, const Runner& runner) {
  REQUIRES(options.worker_count > 0);
  signal(SIGPIPE, SIG_IGN);
  std::vector<RunResult> results(jobs.size());
  std::vector<std::unique_ptr<Worker>> workers;
  const size_t worker_count = std::min(static_cast<size_t>(options.worker_count), jobs.size());
  for (size_t i = 0; i < worker_count; ++i) workers.push_back(std::make_unique<Worker>(jobs, options, runner));
  size_t next = 0;
  size_t done = 0;
  std::vector<Worker*> ready;
  const auto finish = [&](size_t job, RunResult result) {
    results[job] = std::move(result);
    ++done;
    if (options.on_progress) options.on_progress(done, jobs.size(), results[job]);
  };
  while (done < jobs.size()) {
    for (auto& worker : workers) {
      if (worker->is_idle() && next < jobs.size()) worker->Give(next++);
    }
    WaitForResults(workers, ready);
    for (Worker* worker : ready) {
      const size_t job = worker->job();
      finish(job, worker->Take());
    }
    for (auto& worker : workers) {
      if (worker->is_idle() || Clock::now() < worker->deadline()) continue;
      const size_t job = worker->job();
      finish(job, worker->TimeOut());
    }
  }
  return results;
}

std::string HashText(const RunResult& result) {
  return fmt::format("{:016x}{:016x}", result.hash_high(), result.hash_low());
}

std::string CampaignHash(const std::vector<RunResult>& results) {
  uint64_t high = 0;
  uint64_t low = 0;
  for (const RunResult& result : results) {
    high = base::Mix64(high ^ result.hash_high());
    low = base::Mix64(low ^ result.hash_low());
  }
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace odradek::explore
