// The brokers of a run as real processes on this machine: their files and addresses, and what becomes of them. Owned by
// the run. What takes a fiber suspends.
//
// Invariants: a process that ends without having been told to, or with an error although it was asked to stop, is an
// accident, which is kept for the verdict; no process outlives this object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/env/env.h"
#include "sim/explore/server_setup.h"
#include "tests/real/cluster/broker_process.h"
#include "tests/real/cluster/wires.h"

namespace odradek::real_cluster {

class Servers {
 public:
  struct Options {
    std::string binary;
    // Files of all nodes: NAME.properties, NAME.log, NAME/ with the data.
    std::string folder;
    // Server i is host i of it; nullptr: all are on the loopback interface.
    const Wires* wires = nullptr;
  };
  // Writes the files. `setups`: what each node is told, but for its addresses and folders, which are those of here.
  Servers(env::Env& env, const Options& options, const std::vector<explore::ServerSetup>& setups);

  enum class State : uint8_t { kOff, kRunning, kPaused };
  struct Server {
    std::string name;
    NodeId id;
    env::Address address;  // for clients
    std::string data;
    std::string log_file;
    std::unique_ptr<BrokerProcess> process = nullptr;
    State state = State::kOff;
    // Counts starts.
    uint64_t incarnation = 0;
    enum class End : uint8_t { kAccident, kClean, kAny };
    // What its end would be now.
    End expected = End::kAccident;
  };
  size_t count() const { return servers_.size(); }
  const Server& at(size_t server) const { return servers_[server]; }

  // REQUIRES: off.
  void Start(size_t server);
  // SIGKILL. REQUIRES: not off.
  void Kill(size_t server);
  // SIGTERM: it is to end with exit code 0. REQUIRES: not off.
  void Terminate(size_t server);
  // SIGSTOP and SIGCONT. REQUIRES: running; paused.
  void Pause(size_t server);
  void Resume(size_t server);

  // Sees who has ended.
  void Reap();
  // False: it is still there after `patience`.
  bool AwaitEnd(fiber::Fiber& self, size_t server, Duration patience);
  void KillAndReap(fiber::Fiber& self, size_t server);
  // Whether all answer requests. False: not in time, or one has ended; `WhoIsSilent` says who.
  bool AwaitServing(fiber::Fiber& self, Duration patience);
  const std::string& WhoIsSilent() const { return who_is_silent_; }

  const std::vector<std::string>& accidents() const { return accidents_; }

 private:
  bool Answers(fiber::Fiber& self, const Server& server);

  env::Env& env_;
  std::vector<Server> servers_;
  std::vector<std::string> accidents_;
  std::string who_is_silent_;
};

}  // namespace odradek::real_cluster
