#include "sim/explore/operator.h"

#include <algorithm>

#include "engine/base/check.h"
#include "sim/disk/sim_node_disk.h"
#include "sim/explore/broker_program.h"

namespace odradek::explore {

sim::Node& Operator::Add(const ServerSetup& setup) {
  sim::NodeOptions options{.name = setup.name, .role = std::string(setup.role()), .host_names = setup.host_names};
  options.shard_count = setup.shard_count;
  options.clock = setup.clock;
  options.disk = [](sim::Kernel& kernel, sim::NodeIndex node) {
    return std::make_unique<sim::SimNodeDisk>(kernel, node, sim::DiskOptions{});
  };
  options.restart_after_fatal = kRestartAfterFatal;
  servers_.push_back(&cluster_.AddNode(options, BrokerProgram(setup.node)));
  return *servers_.back();
}

void Operator::Boot() {
  for (sim::Node* server : servers_) server->Boot();
}

bool Operator::AllServe() const {
  return std::ranges::all_of(servers_,
                             [](sim::Node* server) { return server->is_up() && BrokerOf(*server)->is_serving(); });
}

std::string Operator::WhoDoesNotServe() const {
  std::string names;
  for (sim::Node* server : servers_) {
    if (server->is_up() && BrokerOf(*server)->is_serving()) continue;
    names += (names.empty() ? "" : ", ") + server->name();
  }
  return names;
}

bool Operator::Operate() {
  bool did_something = false;
  for (sim::Node* server : servers_) {
    const bool may_help =
        server->is_up() && server->incarnation() != operated_[server->index()] && BrokerOf(*server)->is_serving();
    if (!may_help || !(nodes_.HasOfflineLog(server->index()) || HasOfflineDirectory(*server))) continue;
    operated_[server->index()] = server->incarnation();
    server->ShutDown({.patience = kShutdownPatience, .restart_after = kRestartAfterFatal});
    did_something = true;
  }
  return did_something;
}

bool Operator::HasOfflineDirectory(sim::Node& server) {
  broker::Node& node = BrokerOf(server)->node();
  for (int32_t i = 0; i < node.shard_count(); ++i) {
    if (!node.shard(ShardId(i)).directories().offline().empty()) return true;
  }
  return false;
}

void Operator::Restore() {
  for (sim::Node* server : servers_) {
    if (server->is_up()) server->Crash();
    server->disk()->Repair();
    nodes_.NoteRepair(server->index());
    server->Boot();
  }
}

void Operator::ShutDown(sim::Node& server) {
  REQUIRES(server.is_up());
  must_be_clean_ = !nodes_.HasOfflineLog(server.index()) && server.incarnation() != operated_[server.index()];
  clean_count_before_ = nodes_.counts().clean_shutdown_count;
  server.ShutDown({.patience = kShutdownPatience});
}

bool Operator::WasClean() const {
  return !must_be_clean_ || nodes_.counts().clean_shutdown_count > clean_count_before_;
}

}  // namespace odradek::explore
