#include "sim/explore/campaign.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/message_lite.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/prng.h"

// Sanitizers reserve more address space than any limit allows.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ODRADEK_CAMPAIGN_NO_MEMORY_LIMIT 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ODRADEK_CAMPAIGN_NO_MEMORY_LIMIT 1
#endif

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

// Messages between the processes: eight bytes of size, then the protobuf.
bool SendMessage(int fd, const google::protobuf::MessageLite& message) {
  const std::string bytes = message.SerializeAsString();
  const uint64_t size = bytes.size();
  return WriteAll(fd, &size, sizeof(size)) && WriteAll(fd, bytes.data(), bytes.size());
}

bool ReceiveMessage(int fd, google::protobuf::MessageLite& message) {
  uint64_t size = 0;
  if (!ReadAll(fd, &size, sizeof(size))) return false;
  std::string bytes(size, '\0');
  return ReadAll(fd, bytes.data(), bytes.size()) && message.ParseFromString(bytes);
}

JobOrder OrderOf(const Job& job) {
  JobOrder order;
  order.set_scenario(job.scenario);
  order.set_scenario_name(job.scenario_name);
  order.set_seed(job.seed);
  order.set_twice(job.twice);
  if (job.mutation.has_value()) order.set_mutation(static_cast<uint32_t>(*job.mutation));
  return order;
}

Job JobOf(const JobOrder& order) {
  Job job{order.scenario(), order.scenario_name(), order.seed(), order.twice()};
  if (order.has_mutation()) job.mutation = static_cast<base::Mutation>(order.mutation());
  return job;
}

int64_t CpuNanos() {
  timespec now{};
  INVARIANT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// A child process that runs jobs one after the other: orders come in, results go out.
class Worker {
 public:
  Worker(const CampaignOptions& options, const Runner& runner) : options_(options), runner_(runner) { Start(); }
  ~Worker() { Stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  bool is_idle() const { return !job_.has_value(); }
  int result_fd() const { return result_fd_; }
  const Job& job() const { return *job_; }
  Clock::time_point deadline() const { return started_at_ + options_.run_timeout; }

  void Give(Job job) {
    job_ = std::move(job);
    started_at_ = Clock::now();
    INVARIANT(ftruncate(fileno(stderr_file_), 0) == 0);
    SendMessage(job_fd_, OrderOf(*job_));
  }

  // The result of the current job; the process is replaced if it died.
  RunResult Take() {
    RunResult result;
    if (!ReceiveMessage(result_fd_, result)) result = Bury(CRASH);
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
#if !defined(ODRADEK_CAMPAIGN_NO_MEMORY_LIMIT)
    const auto bytes = static_cast<rlim_t>(options_.worker_memory_bytes_max);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_AS, &limit);
#endif
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    JobOrder order;
    while (ReceiveMessage(job_fd, order)) {
      const int64_t cpu_before_ns = CpuNanos();
      RunResult result = runner_(JobOf(order));
      result.set_cpu_ns(CpuNanos() - cpu_before_ns);
      if (!SendMessage(result_fd, result)) break;
    }
    _exit(0);
  }

  // The process is dead or dying: collects what is known and starts another one.
  RunResult Bury(Verdict verdict) {
    int status = 0;
    waitpid(pid_, &status, 0);
    RunResult result;
    result.set_scenario(job_->scenario_name);
    result.set_seed(job_->seed);
    result.set_verdict(verdict);
    result.set_wall_ns((Clock::now() - started_at_).count());
    // A run does nothing but compute.
    result.set_cpu_ns(result.wall_ns());
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

  const CampaignOptions& options_;
  const Runner& runner_;
  pid_t pid_ = -1;
  int job_fd_ = -1;
  int result_fd_ = -1;
  std::FILE* stderr_file_ = nullptr;
  std::optional<Job> job_;
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

// A list of jobs known beforehand.
class ListedJobs final : public JobSource {
 public:
  ListedJobs(const std::vector<Job>& jobs, const CampaignOptions& options)
      : jobs_(jobs), options_(options), results_(jobs.size()) {}

  std::optional<Job> Next() override {
    if (next_ == jobs_.size()) return std::nullopt;
    Job job = jobs_[next_];
    job.tag = next_++;
    return job;
  }

  void Done(const Job& job, RunResult result) override {
    const size_t place = job.tag;
    results_[place] = std::move(result);
    ++done_count_;
    if (options_.on_progress) options_.on_progress(done_count_, jobs_.size(), results_[place]);
  }

  std::vector<RunResult> Take() && { return std::move(results_); }

 private:
  const std::vector<Job>& jobs_;
  const CampaignOptions& options_;
  std::vector<RunResult> results_;
  size_t next_ = 0;
  size_t done_count_ = 0;
};

}  // namespace

void RunJobs(JobSource& source, const CampaignOptions& options, const Runner& runner) {
  REQUIRES(options.worker_count > 0);
  signal(SIGPIPE, SIG_IGN);
  std::vector<std::unique_ptr<Worker>> workers;
  const auto give = [&] {
    for (auto& worker : workers) {
      if (!worker->is_idle()) continue;
      std::optional<Job> job = source.Next();
      if (!job.has_value()) return;
      worker->Give(std::move(*job));
    }
    while (workers.size() < static_cast<size_t>(options.worker_count)) {
      std::optional<Job> job = source.Next();
      if (!job.has_value()) return;
      workers.push_back(std::make_unique<Worker>(options, runner));
      workers.back()->Give(std::move(*job));
    }
  };
  const auto is_busy = [](const auto& worker) { return !worker->is_idle(); };
  std::vector<Worker*> ready;
  for (give(); std::any_of(workers.begin(), workers.end(), is_busy); give()) {
    WaitForResults(workers, ready);
    for (Worker* worker : ready) {
      const Job job = worker->job();
      source.Done(job, worker->Take());
    }
    for (auto& worker : workers) {
      if (worker->is_idle() || Clock::now() < worker->deadline()) continue;
      const Job job = worker->job();
      source.Done(job, worker->TimeOut());
    }
  }
}

std::vector<RunResult> RunCampaign(const std::vector<Job>& jobs, const CampaignOptions& options, const Runner& runner) {
  ListedJobs listed(jobs, options);
  RunJobs(listed, options, runner);
  return std::move(listed).Take();
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
