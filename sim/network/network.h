// The simulated network: TCP-like byte streams between named hosts, and the faults of links and connections. One per
// run; outlives every process. What suspends is behind env::Network; nothing else here does.
//
// What the model keeps of TCP: order, windows that stop a fast sender, half-open connections after a loss of power
// (nothing arrives until the host is back and answers a packet with a reset), a reset when unread data is closed, the
// end of a stream after all data, connection attempts that are repeated. A link that is cut loses resets and attempts
// and keeps data for a retransmission; a sender gives up on it after give_up_after. A stalled link keeps everything for
// ever.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/env/network.h"
#include "sim/kernel/kernel.h"
#include "sim/network/options.h"

namespace odradek::sim {

class Streams;
class HostNetwork;

class SimNetwork {
 public:
  SimNetwork(Kernel& kernel, const NetworkOptions& options);
  // REQUIRES: no connection and no listener is left.
  ~SimNetwork();
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  // A host with the node's name, which is up; for all shards of all processes that it will ever run.
  env::Network& AddHost(NodeIndex host);
  // Another name of the host. REQUIRES: no host has it.
  void AddName(NodeIndex host, std::string name);

  // The process is about to be unwound: its connections end as its operating system ends them, its ports close, and
  // what it still holds has no effect any more.
  void ProcessCrash(NodeIndex host);
  // As ProcessCrash, but nobody is told.
  void PowerLoss(NodeIndex host);
  // After PowerLoss: who still talks to the dead process learns of its death.
  void PowerOn(NodeIndex host);
  // Connections, attempts and listeners that the host's process holds; 0 after a death.
  size_t held_count(NodeIndex host) const;

  // Faults of one direction. A pair of hosts has two.
  void SetLink(const Direction& direction, const LinkOptions& options);
  const LinkOptions& link_options(const Direction& direction) const;
  void Cut(const Direction& direction);
  void Mend(const Direction& direction);
  bool is_cut(const Direction& direction) const;
  void Stall(const Direction& direction);
  void Unstall(const Direction& direction);
  // New connections from `from` to `to` are refused.
  void Refuse(const Direction& direction);
  void Admit(const Direction& direction);
  // Both ends of every connection between the two see a reset.
  void ResetConnections(const Direction& direction);
  // What `from` sends on its connections to `to` ends; the other direction goes on.
  void HalfClose(const Direction& direction);
  // Mends, unstalls and admits everywhere, and gives every link its first options back.
  void Heal();

 private:
  std::unique_ptr<Streams> streams_;
  std::map<NodeIndex, std::unique_ptr<HostNetwork>> hosts_;
};

}  // namespace odradek::sim
