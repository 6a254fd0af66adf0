#include "tests/sim/commands/client_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "engine/client/admin.h"
#include "engine/client/consumer.h"
#include "engine/client/producer.h"
#include "tests/engine/broker/broker_world.h"

namespace odradek::commands {
namespace {

constexpr int32_t kPartitions = 2;
constexpr Duration kDown = Duration::Millis(500);
constexpr Duration kPatience = Duration::Seconds(60);

// A partition as it must be. Offsets begin at 0 and have no gaps: one client writes, and nothing is compacted.
struct ModelLog {
  int64_t log_start = 0;
  std::vector<std::string> values;
  int64_t end() const { return static_cast<int64_t>(values.size()); }
};

template <typename Config>
Config ConfigOf() {
  Config config;
  config.common.bootstrap_servers = {{"n1", 9092}};
  config.common.request_timeout = Duration::Seconds(3);
  config.common.default_api_timeout = kPatience;
  return config;
}

client::ConsumerConfig ReadingConfig() {
  auto config = ConfigOf<client::ConsumerConfig>();
  config.auto_offset_reset = client::OffsetReset::kNone;
  return config;
}

// The client of a run: one fiber, one operation after the other.
class CommandClient {
 public:
  CommandClient(fiber::Fiber& self, env::Env& env, broker::BrokerWorld& world, const CommandOptions& options)
      : self_(self),
        world_(world),
        options_(options),
        admin_(env, ConfigOf<client::AdminConfig>()),
        producer_(env, ConfigOf<client::ProducerConfig>()),
        consumer_(env, ReadingConfig()) {}

  // Empty: the broker did what the model says.
  std::string Do(const Command& command) {
    switch (command.kind) {
      case CommandKind::kCreateTopic:
        return CreateTopic(command);
      case CommandKind::kRestart:
      case CommandKind::kCrash:
      case CommandKind::kPowerLoss:
      case CommandKind::kPause:
        Strike(command);
        return {};
      default:
        break;
    }
    const TopicPartition partition{TopicOf(command), PartitionIndex(command.partition)};
    const auto log = logs_.find(partition);
    if (log == logs_.end()) return {};
    switch (command.kind) {
      case CommandKind::kProduce:
        return Produce(partition, log->second, command.amount);
      case CommandKind::kRead:
        return Read(partition, log->second, OffsetOf(command, log->second));
      case CommandKind::kDeleteRecords:
        return Delete(partition, log->second, OffsetOf(command, log->second));
      default:
        return List(partition, log->second);
    }
  }

 private:
  static std::string TopicOf(const Command& command) { return fmt::format("t{}", command.topic); }
  static int64_t OffsetOf(const Command& command, const ModelLog& log) {
    return std::min(log.log_start + command.amount, log.end());
  }

  std::string CreateTopic(const Command& command) {
    const std::string topic = TopicOf(command);
    const bool is_there = logs_.contains({topic, PartitionIndex(0)});
    const client::NewTopic created{
        .name = topic, .partition_count = kPartitions, .configs = {{"internal.segment.bytes", "1000"}}};
    const auto status = admin_.CreateTopics(self_, {created}).at(topic);
    const bool is_known = status.error == protocol::ErrorCode::kTopicAlreadyExists;
    // A request whose answer was lost is sent again and finds what it made.
    if (is_there ? !is_known : !(status.ok() || (is_known && has_struck_))) {
      return fmt::format("creating {}, which was {}: {}", topic, is_there ? "there" : "not there", status.what);
    }
    for (int32_t i = 0; i < kPartitions; ++i) logs_.try_emplace({topic, PartitionIndex(i)});
    return {};
  }

  std::string Produce(const TopicPartition& partition, ModelLog& log, int count) {
    std::string problem;
    for (int i = 0; i < count; ++i) {
      const std::string value = fmt::format("v{}", ++value_count_);
      const int64_t offset = log.end();
      log.values.push_back(value);
      producer_.Send(self_, {.topic = partition.topic, .partition = partition.partition, .value = AsBytes(value)},
                     [offset, value, &problem](const client::SendResult& result) {
                       if (!problem.empty() || (result.ok() && result.offset == Offset(offset))) return;
                       problem = fmt::format("{} was to be at {}, and: {} at {} {}", value, offset,
                                             ToString(result.outcome), result.offset.value(), result.what);
                     });
    }
    producer_.Flush(self_);
    return problem;
  }

  std::string Read(const TopicPartition& partition, const ModelLog& log, int64_t from) {
    consumer_.Assign({partition});
    if (!consumer_.Seek(partition, Offset(from)).ok()) return "cannot seek";
    int64_t next = from;
    const MonoTime deadline = self_.Now() + kPatience;
    while (next < log.end()) {
      if (self_.Now() > deadline)
        return fmt::format("reading {} stops at {} of {}", ToString(partition), next, log.end());
      const client::PollResult polled = consumer_.Poll(self_, Duration::Seconds(1));
      for (const client::PartitionProblem& problem : polled.problems) {
        if (problem.error == protocol::ErrorCode::kOffsetOutOfRange) {
          return fmt::format("reading {} from {}: {}", ToString(partition), from, problem.what);
        }
      }
      for (const client::PartitionRecords& records : polled.partitions) {
        for (const client::ConsumerRecord& record : records.records) {
          const std::string value(AsString(record.value.value_or(Bytes())));
          if (record.offset != Offset(next)) {
            return fmt::format("{}@{} comes where {} was due", ToString(partition), record.offset.value(), next);
          }
          if (next >= log.end() || value != log.values[static_cast<size_t>(next)]) {
            return fmt::format("{} is at {}@{}", value, ToString(partition), next);
          }
          ++next;
        }
      }
    }
    return {};
  }

  std::string Delete(const TopicPartition& partition, ModelLog& log, int64_t before) {
    const auto result = admin_.DeleteRecords(self_, {{partition, Offset(before)}}).at(partition);
    if (!result.ok() || result.value != Offset(before)) {
      return fmt::format("deleting {} before {}: {} {}", ToString(partition), before, result.value.value(),
                         result.status.what);
    }
    if (!options_.model_keeps_deleted_records) log.log_start = before;
    return {};
  }

  std::string List(const TopicPartition& partition, const ModelLog& log) {
    const auto whole = std::span(&partition, 1);
    const auto start = consumer_.BeginningOffsets(self_, whole, kPatience).at(partition);
    const auto end = consumer_.EndOffsets(self_, whole, kPatience).at(partition);
    if (start.ok() && end.ok() && start.offset == Offset(log.log_start) && end.offset == Offset(log.end())) return {};
    return fmt::format("{} is {} to {} instead of {} to {}{}{}", ToString(partition), start.offset.value(),
                       end.offset.value(), log.log_start, log.end(), start.what, end.what);
  }

  // From outside of all fibers, a little later. What is down already stays down.
  void Strike(const Command& command) {
    has_struck_ = true;
    sim::Node& node = world_.broker_node();
    world_.cluster().kernel().After(Duration::Millis(command.amount), [&node, &world = world_, kind = command.kind] {
      if (node.state() != sim::Node::State::kRunning) return;
      switch (kind) {
        case CommandKind::kRestart:
          return node.ShutDown({.patience = kDown, .restart_after = kDown});
        case CommandKind::kCrash:
          node.Crash();
          return node.BootAfter(kDown);
        case CommandKind::kPowerLoss:
          node.PowerLoss();
          return node.BootAfter(kDown);
        default:
          node.Pause();
          world.cluster().kernel().After(kDown, [&node] {
            if (node.state() == sim::Node::State::kPaused) node.Resume();
          });
      }
    });
  }

  fiber::Fiber& self_;
  broker::BrokerWorld& world_;
  const CommandOptions& options_;
  client::Admin admin_;
  client::Producer producer_;
  client::Consumer consumer_;
  std::map<TopicPartition, ModelLog> logs_;
  bool has_struck_ = false;
  int value_count_ = 0;
};

}  // namespace

bool operator==(const Command& a, const Command& b) {
  return a.kind == b.kind && a.topic == b.topic && a.partition == b.partition && a.amount == b.amount;
}

void showValue(const Command& command, std::ostream& out) {
  const std::string partition = fmt::format("t{}-{}", command.topic, command.partition);
  switch (command.kind) {
    case CommandKind::kCreateTopic:
      out << "create t" << static_cast<int>(command.topic);
      return;
    case CommandKind::kProduce:
      out << fmt::format("produce {} to {}", command.amount, partition);
      return;
    case CommandKind::kRead:
      out << fmt::format("read {} from start+{}", partition, command.amount);
      return;
    case CommandKind::kDeleteRecords:
      out << fmt::format("delete {} before start+{}", partition, command.amount);
      return;
    case CommandKind::kListOffsets:
      out << "list offsets of " << partition;
      return;
    case CommandKind::kRestart:
      out << fmt::format("restart in {} ms", command.amount);
      return;
    case CommandKind::kCrash:
      out << fmt::format("crash in {} ms", command.amount);
      return;
    case CommandKind::kPowerLoss:
      out << fmt::format("power loss in {} ms", command.amount);
      return;
    case CommandKind::kPause:
      out << fmt::format("pause in {} ms", command.amount);
      return;
  }
}

std::string RunCommands(const std::vector<Command>& commands, const CommandOptions& options) {
  broker::BrokerWorld world(
      {.properties = {{"log.flush.interval.messages", "1"}}, .seed = options.seed, .mutation = options.mutation});
  std::string problem;
  world.Run([&](fiber::Fiber& self, env::Env& env) {
    CommandClient client(self, env, world, options);
    for (size_t i = 0; i < commands.size() && problem.empty(); ++i) {
      problem = client.Do(commands[i]);
      if (!problem.empty()) problem = fmt::format("command {}: {}", i + 1, problem);
    }
  });
  return problem;
}

}  // namespace odradek::commands
