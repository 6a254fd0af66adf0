#include "tests/real/cluster/broker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/real/sys.h"

namespace odradek::real_cluster {
namespace {

// What a shell says of a command that it cannot start.
constexpr int kCannotStart = 127;

// Before exec: nothing but system calls.
[[noreturn]] void Become(char* const* command, int log, int network_namespace, pid_t parent) {
  const bool is_placed = network_namespace < 0 || setns(network_namespace, CLONE_NEWNET) == 0;
  // A group of its own: the Ctrl-C of a terminal is for the test.
  const bool is_bound = setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
  const bool is_heard = dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0;
  if (is_placed && is_bound && is_heard) execv(command[0], command);
  _exit(kCannotStart);
}

}  // namespace

BrokerProcess::~BrokerProcess() {
  if (!is_running()) return;
  Signal(SIGKILL);
  waitpid(pid_, &status_, 0);
}

void BrokerProcess::Start() {
  REQUIRES(!is_running());
  std::vector<std::string> words = options_.command;
  std::vector<char*> command;
  for (std::string& word : words) command.push_back(word.data());
  command.push_back(nullptr);
  const real::UniqueFd log(open(options_.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  INVARIANT(log.valid());
  const pid_t parent = getpid();
  // A copy of this process, for which this thread waits until exec has closed the copies of its descriptors: a socket
  // that was closed here before would stay in the reactor's epoll, for a source that is gone.
  const auto child = static_cast<pid_t>(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  INVARIANT(child >= 0);
  if (child == 0) Become(command.data(), log.get(), options_.network_namespace, parent);
  pid_ = child;
}

void BrokerProcess::Signal(int number) {
  REQUIRES(is_running());
  kill(pid_, number);
}

bool BrokerProcess::Reap() {
  if (!is_running() || waitpid(pid_, &status_, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

bool BrokerProcess::has_exited_with(int code) const {
  return WIFEXITED(status_) && WEXITSTATUS(status_) == code;
}

bool BrokerProcess::was_killed_by(int signal_number) const {
  return WIFSIGNALED(status_) && WTERMSIG(status_) == signal_number;
}

std::string BrokerProcess::EndText() const {
  if (WIFSIGNALED(status_)) return fmt::format("was killed by signal {}", WTERMSIG(status_));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status_));
}

}  // namespace odradek::real_cluster
