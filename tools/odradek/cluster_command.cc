// odradek cluster: describe, moves, drain, fill, elect, forget.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>

#include "engine/base/absl_compat.h"
#include "tools/odradek/client_session.h"
#include "tools/odradek/command.h"
#include "tools/odradek/placement/replica_plan.h"
#include "tools/odradek/sim/arguments.h"

namespace odradek::tool {
namespace {

using protocol::ErrorCode;

struct ClusterArguments {
  ClientArguments client;
  int32_t broker = -1;
  int32_t at_a_time = 10;
  std::vector<std::string> topics;
  bool dry_run = false;
  bool cancel = false;
};

constexpr const char* kClusterExamples = R"(Examples:
  odradek cluster describe --bootstrap-server localhost:9092
  odradek cluster fill --bootstrap-server localhost:9092 --broker 4      a new broker takes its share
  odradek cluster drain --bootstrap-server localhost:9092 --broker 2     before broker 2 goes for good;
  odradek cluster forget --bootstrap-server localhost:9092 --broker 2    then stop it, and this
  odradek cluster moves --bootstrap-server localhost:9092                what moves right now; --cancel calls it off
  odradek cluster elect --bootstrap-server localhost:9092                partitions go back to their preferred leaders

Moves are the cluster's work: a drain or fill that is interrupted leaves those that have begun to go on, and started
again it begins what is left.
Exit codes: 0 done; 1 it failed, standard error says why; 2 wrong usage.)";

std::string Ids(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) text += fmt::format("{}{}", text.empty() ? "" : ",", node.value());
  return text;
}

bool Has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

// What the cluster is at one moment.
struct Picture {
  client::ClusterDescription cluster;
  std::vector<client::TopicInfo> topics;
  std::map<TopicPartition, client::Reassignment> moving;

  std::vector<PlanBroker> plan_brokers() const {
    std::vector<PlanBroker> brokers;
    for (const client::BrokerInfo& broker : cluster.brokers) brokers.push_back({broker.id, broker.rack.value_or("")});
    return brokers;
  }
  // With their replicas as they will be when what moves has arrived.
  std::vector<PlanPartition> plan_partitions() const {
    std::vector<PlanPartition> partitions;
    for (const client::TopicInfo& topic : topics) {
      for (const client::PartitionInfo& partition : topic.partitions) {
        PlanPartition& planned = partitions.emplace_back();
        planned.name = {topic.name, partition.partition};
        planned.replicas = partition.replicas;
        const auto move = moving.find(planned.name);
        if (move == moving.end()) continue;
        std::erase_if(planned.replicas, [&](NodeId node) { return Has(move->second.removing, node); });
      }
    }
    return partitions;
  }
  bool has_broker(NodeId id) const {
    return std::ranges::any_of(cluster.brokers, [id](const client::BrokerInfo& broker) { return broker.id == id; });
  }
};

absl::Status Problem(std::string_view what, const client::AdminStatus& status) {
  return base::Unavailable(fmt::format("{}: {}", what, Describe(status)));
}

absl::StatusOr<Picture> Look(fiber::Fiber& self, client::Admin& admin) {
  Picture picture;
  const auto cluster = admin.DescribeCluster(self);
  if (!cluster.ok()) return Problem("brokers", cluster.status);
  picture.cluster = cluster.value;
  const auto moving = admin.ListPartitionReassignments(self);
  if (!moving.ok()) return Problem("moves", moving.status);
  picture.moving = moving.value;
  const auto names = admin.ListTopics(self);
  if (!names.ok()) return Problem("topics", names.status);
  if (names.value.empty()) return picture;
  const auto topics = admin.DescribeTopics(self, names.value);
  if (!topics.ok()) return Problem("topics", topics.status);
  for (const auto& [name, topic] : topics.value) {
    // Deleted meanwhile.
    if (topic.status.error == ErrorCode::kUnknownTopicOrPartition) continue;
    if (!topic.ok()) return Problem(name, topic.status);
    picture.topics.push_back(topic.value);
  }
  return picture;
}

void PrintMoves(const std::map<TopicPartition, client::Reassignment>& moving) {
  for (const auto& [partition, move] : moving) {
    std::cout << fmt::format("Partition: {}\tReplicas: {}\tAdding: {}\tRemoving: {}\n", ToString(partition),
                             Ids(move.replicas), Ids(move.adding), Ids(move.removing));
  }
}

int RunDescribe(const ClusterArguments& arguments) {
  constexpr std::string_view kVerb = "cluster describe";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const absl::StatusOr<Picture> picture = Look(self, admin);
    if (!picture.ok()) return Failed(kVerb, base::SV(picture.status().message()));
    std::map<NodeId, int64_t> leaders;
    std::map<NodeId, int64_t> replicas;
    int64_t partition_count = 0;
    int64_t behind_count = 0;
    int64_t leaderless_count = 0;
    for (const client::TopicInfo& topic : picture->topics) {
      for (const client::PartitionInfo& partition : topic.partitions) {
        ++partition_count;
        ++leaders[partition.leader];
        for (const NodeId node : partition.replicas) ++replicas[node];
        behind_count += partition.isr.size() < partition.replicas.size() ? 1 : 0;
        leaderless_count += partition.leader == kNoNode ? 1 : 0;
      }
    }
    const client::ClusterDescription& cluster = picture->cluster;
    std::cout << fmt::format(
        "ClusterId: {}\tBrokers: {}\tTopics: {}\tPartitions: {}\tUnderReplicated: {}\tWithoutLeader: {}\tMoving: {}\n",
        cluster.cluster_id, cluster.brokers.size(), picture->topics.size(), partition_count, behind_count,
        leaderless_count, picture->moving.size());
    for (const client::BrokerInfo& broker : cluster.brokers) {
      std::cout << fmt::format("Broker: {}\tAddress: {}\tRack: {}\tLeaders: {}\tReplicas: {}\n", broker.id.value(),
                               ToString(broker.address), broker.rack.value_or("none"), leaders[broker.id],
                               replicas[broker.id]);
    }
    PrintMoves(picture->moving);
    std::cout.flush();
    return kExitOk;
  });
}

int RunMoves(const ClusterArguments& arguments) {
  constexpr std::string_view kVerb = "cluster moves";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const auto moving = admin.ListPartitionReassignments(self);
    if (!moving.ok()) return Failed(kVerb, Describe(moving.status));
    if (!arguments.cancel) {
      PrintMoves(moving.value);
      std::cout.flush();
      return kExitOk;
    }
    client::Admin::Targets targets;
    for (const auto& [partition, move] : moving.value) targets[partition] = std::nullopt;
    int exit_code = kExitOk;
    for (const auto& [partition, status] : admin.AlterPartitionReassignments(self, targets)) {
      // It has arrived meanwhile.
      if (status.error == ErrorCode::kNoReassignmentInProgress) continue;
      if (status.ok()) {
        std::cout << fmt::format("Called off the move of {}.\n", ToString(partition));
      } else {
        exit_code = Failed(kVerb, fmt::format("{}: {}", ToString(partition), Describe(status)));
      }
    }
    std::cout.flush();
    return exit_code;
  });
}

// Begins moves, some at a time, and waits for them.
class Mover {
 public:
  Mover(std::string_view verb, client::Admin& admin, std::vector<PlanPartition> plan, size_t at_a_time)
      : verb_(verb), admin_(admin), plan_(std::move(plan)), at_a_time_(at_a_time) {}

  int Run(fiber::Fiber& self) {
    constexpr Duration kLookEvery = Duration::Millis(200);
    while (true) {
      const auto moving = admin_.ListPartitionReassignments(self);
      if (!moving.ok()) return Failed(verb_, Describe(moving.status));
      const size_t before = under_way_.size();
      std::erase_if(under_way_, [&](const TopicPartition& name) { return !moving.value.contains(name); });
      done_ += before - under_way_.size();
      if (const int begun = BeginSome(self); begun != kExitOk) return begun;
      Tell();
      if (under_way_.empty() && next_ == plan_.size()) return kExitOk;
      fiber::SleepFor(self, kLookEvery);
    }
  }

 private:
  int BeginSome(fiber::Fiber& self) {
    client::Admin::Targets targets;
    for (; next_ < plan_.size() && under_way_.size() + targets.size() < at_a_time_; ++next_) {
      targets[plan_[next_].name] = plan_[next_].replicas;
    }
    if (targets.empty()) return kExitOk;
    for (const auto& [partition, status] : admin_.AlterPartitionReassignments(self, targets)) {
      // Deleted meanwhile.
      if (status.error == ErrorCode::kUnknownTopicOrPartition) {
        ++done_;
        continue;
      }
      if (!status.ok()) return Failed(verb_, fmt::format("{}: {}", ToString(partition), Describe(status)));
      under_way_.push_back(partition);
    }
    return kExitOk;
  }
  void Tell() {
    const std::string text =
        fmt::format("{} of {} partitions moved, {} under way{}\n", done_, plan_.size(), under_way_.size(),
                    under_way_.empty() ? "" : ": " + ToString(under_way_.front()));
    if (text != std::exchange(told_, text)) std::cerr << text;
  }

  const std::string_view verb_;
  client::Admin& admin_;
  const std::vector<PlanPartition> plan_;
  const size_t at_a_time_;
  size_t next_ = 0;
  size_t done_ = 0;
  std::vector<TopicPartition> under_way_;
  std::string told_;
};

void PrintPlan(const Picture& picture, const std::vector<PlanPartition>& plan) {
  std::map<TopicPartition, std::vector<NodeId>> now;
  for (PlanPartition& partition : picture.plan_partitions()) now[partition.name] = std::move(partition.replicas);
  for (const PlanPartition& partition : plan) {
    std::cout << fmt::format("Partition: {}\tReplicas: {}\tNew: {}\n", ToString(partition.name),
                             Ids(now[partition.name]), Ids(partition.replicas));
  }
  std::cout.flush();
}

// `plan_of` gives what to move, or why that cannot be; `done` is said in the end.
template <typename PlanOf>
int Rearrange(std::string_view verb, const ClusterArguments& arguments, PlanOf plan_of, const std::string& done) {
  return RunWithAdmin(verb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    absl::StatusOr<Picture> picture = Look(self, admin);
    if (!picture.ok()) return Failed(verb, base::SV(picture.status().message()));
    absl::StatusOr<std::vector<PlanPartition>> plan = plan_of(*picture);
    if (!plan.ok()) return Failed(verb, base::SV(plan.status().message()));
    if (arguments.dry_run) {
      PrintPlan(*picture, *plan);
      return kExitOk;
    }
    const int moved = Mover(verb, admin, *plan, static_cast<size_t>(arguments.at_a_time)).Run(self);
    if (moved != kExitOk) return moved;
    picture = Look(self, admin);
    if (!picture.ok()) return Failed(verb, base::SV(picture.status().message()));
    plan = plan_of(*picture);
    if (!plan.ok()) return Failed(verb, base::SV(plan.status().message()));
    if (!plan->empty()) {
      return Failed(verb, fmt::format("{} partitions are not where they should be: they are new, or their moves were "
                                      "called off. Run it again",
                                      plan->size()));
    }
    std::cout << done;
    std::cout.flush();
    return kExitOk;
  });
}

int RunDrain(const ClusterArguments& arguments) {
  const NodeId away(arguments.broker);
  return Rearrange(
      "cluster drain", arguments,
      [away](const Picture& picture) { return PlanDrain(picture.plan_brokers(), picture.plan_partitions(), away); },
      fmt::format("Broker {} has no replicas. When it has stopped, let the cluster forget it.\n", away.value()));
}

int RunFill(const ClusterArguments& arguments) {
  const NodeId newcomer(arguments.broker);
  return Rearrange(
      "cluster fill", arguments,
      [newcomer](const Picture& picture) -> absl::StatusOr<std::vector<PlanPartition>> {
        if (!picture.has_broker(newcomer)) {
          return base::FailedPrecondition(fmt::format("no broker {} is up", newcomer.value()));
        }
        return PlanFill(picture.plan_brokers(), picture.plan_partitions(), newcomer);
      },
      fmt::format("Broker {} has its share of replicas.\n", newcomer.value()));
}

int RunElect(const ClusterArguments& arguments) {
  constexpr std::string_view kVerb = "cluster elect";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const absl::StatusOr<Picture> picture = Look(self, admin);
    if (!picture.ok()) return Failed(kVerb, base::SV(picture.status().message()));
    std::vector<TopicPartition> partitions;
    for (const PlanPartition& partition : picture->plan_partitions()) {
      const bool is_wanted = arguments.topics.empty() ||
                             std::ranges::find(arguments.topics, partition.name.topic) != arguments.topics.end();
      if (is_wanted) partitions.push_back(partition.name);
    }
    int exit_code = kExitOk;
    for (const std::string& topic : arguments.topics) {
      const auto is_it = [&topic](const TopicPartition& partition) { return partition.topic == topic; };
      if (std::ranges::none_of(partitions, is_it)) exit_code = Failed(kVerb, "no such topic as " + topic);
    }
    if (exit_code != kExitOk || partitions.empty()) return exit_code;
    for (const auto& [partition, status] : admin.ElectLeaders(self, client::ElectionType::kPreferred, partitions)) {
      if (status.error == ErrorCode::kElectionNotNeeded) continue;
      if (status.ok()) {
        std::cout << fmt::format("The preferred leader of {} leads it.\n", ToString(partition));
      } else {
        exit_code = Failed(kVerb, fmt::format("{}: {}", ToString(partition), Describe(status)));
      }
    }
    std::cout.flush();
    return exit_code;
  });
}

int RunForget(const ClusterArguments& arguments) {
  constexpr std::string_view kVerb = "cluster forget";
  return RunWithAdmin(kVerb, arguments.client, [&](fiber::Fiber& self, client::Admin& admin) {
    const NodeId gone(arguments.broker);
    const absl::StatusOr<Picture> picture = Look(self, admin);
    if (!picture.ok()) return Failed(kVerb, base::SV(picture.status().message()));
    // It would register again at its next start, and its replicas count as lost meanwhile.
    if (picture->has_broker(gone)) return Failed(kVerb, fmt::format("broker {} is up: stop it first", gone.value()));
    for (const PlanPartition& partition : picture->plan_partitions()) {
      if (!Has(partition.replicas, gone)) continue;
      return Failed(
          kVerb, fmt::format("broker {} has a replica of {}: drain it first", gone.value(), ToString(partition.name)));
    }
    const client::AdminStatus status = admin.UnregisterBroker(self, gone);
    if (!status.ok()) return Failed(kVerb, Describe(status));
    std::cout << fmt::format("The cluster has forgotten broker {}.\n", gone.value());
    std::cout.flush();
    return kExitOk;
  });
}

struct Verb {
  const char* name;
  const char* what;
  int (*run)(const ClusterArguments&);
};

}  // namespace

void AddClusterCommand(CLI::App& app, int& exit_code) {
  CLI::App* parent = app.add_subcommand("cluster", "Describe a cluster, move replicas between its brokers");
  parent->require_subcommand(1);
  parent->footer(kClusterExamples);
  auto arguments = std::make_shared<ClusterArguments>();
  const auto add = [&](const Verb& verb) -> CLI::App& {
    CLI::App* command = parent->add_subcommand(verb.name, verb.what);
    AddClientOptions(*command, arguments->client);
    command->footer(kClusterExamples);
    const auto run = verb.run;
    command->callback([arguments, run, &exit_code] { exit_code = run(*arguments); });
    return *command;
  };
  const auto add_broker = [&](CLI::App& command) {
    command.add_option("--broker", arguments->broker, "Its node.id")->check(WholeNumberFrom<int32_t>(0))->required();
  };
  const auto add_mover = [&](const Verb& verb) {
    CLI::App& command = add(verb);
    add_broker(command);
    command.add_option("--at-a-time", arguments->at_a_time, "Partitions that move at the same time; without: 10")
        ->check(WholeNumberFrom<int32_t>(1));
    command.add_flag("--dry-run", arguments->dry_run, "Print what would move, and move nothing");
  };
  add({"describe", "Print brokers and what is wrong with partitions", RunDescribe});
  add({"moves", "Print the partitions whose replicas move", RunMoves})
      .add_flag("--cancel", arguments->cancel, "Call all of them off");
  add_mover({"drain", "Move all replicas of a broker to the others", RunDrain});
  add_mover({"fill", "Move replicas to a broker until it has its share", RunFill});
  add({"elect", "Have the preferred leaders elected", RunElect})
      .add_option("--topic", arguments->topics, "Only of this topic; several with commas or by repeating it")
      ->delimiter(',')
      ->allow_extra_args(false);
  add_broker(add({"forget", "Unregister a broker that is gone for good", RunForget}));
}

}  // namespace odradek::tool
