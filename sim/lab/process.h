// What the user's code sees of the world: one life of one of his nodes. Made at each boot of the node, gone with its
// death; what must outlive it is on the node's disk, in a topic, or in the Workload object.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "engine/env/env.h"

namespace odradek::lab {

// Names and values. Of a program: all that it has, with the values for those that a scenario does not name. Where a
// value is a number, only numbers are accepted instead.
using SettingMap = std::map<std::string, std::string, std::less<>>;

class Settings {
 public:
  Settings() = default;
  explicit Settings(SettingMap values) : values_(std::move(values)) {}
  // REQUIRES: the program or workload has a setting of this name; for Number: its value is one.
  const std::string& Text(std::string_view name) const;
  int64_t Number(std::string_view name) const;
  const SettingMap& all() const { return values_; }

 private:
  SettingMap values_;
};

// Whether `text` is what Number() gives out.
bool IsNumber(std::string_view text);

class Journal;

class Process {
 public:
  // What a node has for all of its lives.
  struct Node {
    std::string name;
    Settings settings;
    // "host:port" of a broker.
    std::string bootstrap_server;
    bool is_healed = false;
  };
  Process(const Node& node, env::Env& env, Journal& journal) : node_(node), env_(env), journal_(journal) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Clock, disk, network, entropy: all that the code may use of the world.
  env::Env& env() { return env_; }
  const std::string& name() const { return node_.name; }
  const Settings& settings() const { return node_.settings; }
  // For bootstrap.servers.
  const std::string& bootstrap_server() const { return node_.bootstrap_server; }
  // The faults are over: time to finish.
  bool is_healed() const { return node_.is_healed; }
  // Somebody asked for a clean end: return from Run soon, or be killed.
  bool is_stopping() const { return is_stopping_; }

  // For properties, traces and `explain`: {"paid", "alice", 30}.
  void Note(std::string_view what, std::string_view key, int64_t value);
  // In [0, bound), from the run's seed. REQUIRES: bound > 0.
  uint64_t Draw(uint64_t bound);

  void RequestStop() { is_stopping_ = true; }

 private:
  const Node& node_;
  env::Env& env_;
  Journal& journal_;
  bool is_stopping_ = false;
};

}  // namespace odradek::lab
