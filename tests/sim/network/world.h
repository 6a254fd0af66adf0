// A kernel, a network and a few hosts with one shard each.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "tests/sim/kernel/one_shard.h"

namespace odradek::sim {

class NetworkWorld {
 public:
  struct Options {
    KernelOptions kernel = {};
    NetworkOptions network = {};
    std::vector<std::string> hosts = {"n1", "c1"};
  };
  explicit NetworkWorld(const Options& options) : kernel(options.kernel), network(kernel, options.network) {
    for (const std::string& name : options.hosts) AddNode(name);
  }
  ~NetworkWorld() {
    for (auto& [name, node] : nodes_) Crash(name);
  }

  void AddNode(const std::string& name) {
    TestNode::Options options;
    options.name = name;
    options.network = [this](NodeIndex node) -> env::Network& { return network.AddHost(node); };
    nodes_[name] = std::make_unique<TestNode>(kernel, options);
  }
  TestNode& node(const std::string& name) { return *nodes_.at(name); }
  env::Network& net(const std::string& name) { return node(name).env().network; }
  Direction From(const std::string& from, const std::string& to) {
    return {.from = node(from).node(), .to = node(to).node()};
  }
  void CutBoth(const std::string& a, const std::string& b) {
    network.Cut(From(a, b));
    network.Cut(From(b, a));
  }
  void Crash(const std::string& name) {
    node(name).CutOff();
    network.ProcessCrash(node(name).node());
    node(name).Kill();
  }
  void PowerLoss(const std::string& name) {
    node(name).CutOff();
    network.PowerLoss(node(name).node());
    node(name).Kill();
  }
  RunOutcome RunFor(Duration duration) { return kernel.Run({.until = kernel.Now() + duration}); }

  Kernel kernel;
  SimNetwork network;

 private:
  std::map<std::string, std::unique_ptr<TestNode>> nodes_;
};

// All of `bytes`, or the error.
inline env::NetError SendAll(fiber::Fiber& self, env::Connection& connection, Bytes bytes) {
  const env::Part part = bytes;
  return connection.Send(self, {&part, 1});
}
// One ReadSome of at most `size_bytes`, appended.
inline env::NetError ReadInto(fiber::Fiber& self, env::Connection& connection, ByteBuffer& out, size_t size_bytes) {
  ByteBuffer buffer(size_bytes);
  const MutableBytes part = buffer;
  const env::ReadResult read = connection.ReadSome(self, {&part, 1});
  out.insert(out.end(), buffer.begin(), buffer.begin() + read.size_bytes);
  return read.error;
}
// Everything up to the end or an error, which is returned.
inline env::NetError ReadAll(fiber::Fiber& self, env::Connection& connection, ByteBuffer& out) {
  while (true) {
    const env::NetError error = ReadInto(self, connection, out, 777);
    if (error != env::NetError::kNone) return error;
  }
}

}  // namespace odradek::sim
