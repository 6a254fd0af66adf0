// A real process of `odradek broker`: started, given signals, reaped. Owned by Servers; never suspends, but for Start,
// which blocks until the process is there.
//
// Invariants: the process dies with the thread that started it, however that ends (PR_SET_PDEATHSIG), and with this
// object; what it writes is appended to its log file.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace odradek::real_cluster {

class BrokerProcess {
 public:
  struct Options {
    std::vector<std::string> command;
    std::string log_file;
    // In which it runs; -1: in that of the test.
    int network_namespace = -1;
  };
  explicit BrokerProcess(Options options) : options_(std::move(options)) {}
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  // REQUIRES: not running.
  void Start();
  // REQUIRES: running.
  void Signal(int number);
  // True: it ended since it was started, and is reaped now. Does not wait.
  bool Reap();
  // Until it is reaped.
  bool is_running() const { return pid_ > 0; }

  // Of the last process that was reaped.
  bool has_exited_with(int code) const;
  bool was_killed_by(int signal_number) const;
  std::string EndText() const;

 private:
  const Options options_;
  pid_t pid_ = 0;
  int status_ = 0;
};

}  // namespace odradek::real_cluster
