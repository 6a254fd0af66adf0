// A network of this machine whose links can be cut and slowed: each host is a network namespace with a TUN device, and
// a thread of this process carries the packets between them. It needs no queueing discipline of the kernel, and one way
// of a link is a thing of its own. Owned by the run; never suspends.
//
// Invariants: packets of one way of a link arrive in the order in which they were sent; a link that nobody set carries
// everything at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/prng.h"
#include "engine/real/sys.h"

namespace odradek::real_cluster {

class Wires {
 public:
  struct Link {
    bool is_cut = false;
    int64_t latency_ns = 0;
    int64_t bytes_per_second = 0;  // 0 is unlimited
    uint32_t loss_ppm = 0;         // share of the packets that never arrive
  };

  // Why this machine cannot have such a network; empty: it can.
  static std::string WhyNot();

  // `seed`: which packets of a lossy link are lost. REQUIRES: WhyNot() finds nothing; 0 < host_count < 250.
  Wires(int host_count, uint64_t seed);
  ~Wires();
  Wires(const Wires&) = delete;
  Wires& operator=(const Wires&) = delete;

  std::string AddressOf(int host) const;
  // For setns.
  int network_namespace(int host) const { return hosts_[static_cast<size_t>(host)].network_namespace.get(); }

  struct Way {
    int from = 0;
    int to = 0;
    friend auto operator<=>(const Way&, const Way&) = default;
  };
  void Set(const Way& way, const Link& link);
  // Every link is as if nobody had set it.
  void Heal();

  uint64_t carried_count() const { return carried_count_; }
  uint64_t dropped_count() const { return dropped_count_; }

 private:
  struct Host {
    real::UniqueFd tun;
    real::UniqueFd network_namespace;
  };
  struct Packet {
    int64_t due_ns = 0;
    uint64_t number = 0;
    int to = 0;
    std::vector<char> bytes;
    friend bool operator>(const Packet& a, const Packet& b) {
      return std::pair(a.due_ns, a.number) > std::pair(b.due_ns, b.number);
    }
  };
  struct LinkState {
    Link link;
    int64_t last_due_ns = 0;
    int64_t busy_until_ns = 0;  // the bytes before take as long
  };

  // Its error says why not.
  static std::string MakeHost(int index, Host& host);
  void Carry();
  void TakeAll(int from);
  void Take(const Way& way, std::vector<char> bytes);
  void DeliverDue();
  void WaitForPackets();

  std::vector<Host> hosts_;
  real::UniqueFd wake_up_;
  std::mutex mutex_;
  std::map<Way, LinkState> links_;  // guarded by mutex_
  base::Prng prng_;                 // of the thread, as what follows
  std::priority_queue<Packet, std::vector<Packet>, std::greater<>> under_way_;
  uint64_t packet_count_ = 0;
  std::atomic<uint64_t> carried_count_{0};
  std::atomic<uint64_t> dropped_count_{0};
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

// This thread, and those that it starts, are on a host while this lives.
class OnHost {
 public:
  OnHost(const Wires& wires, int host);
  ~OnHost();
  OnHost(const OnHost&) = delete;
  OnHost& operator=(const OnHost&) = delete;

 private:
  real::UniqueFd before_;
};

}  // namespace odradek::real_cluster
