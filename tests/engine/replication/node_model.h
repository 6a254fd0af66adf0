// A broker of a test with its replica of the one partition, and what is on the way between brokers.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "engine/replication/replica.h"
#include "tests/engine/replication/disk_model.h"

namespace odradek::replication {

struct ReplicationOptions {
  int32_t brokers = 3;
  int32_t replicas = 3;
  int32_t min_isr = 2;
  int64_t entries_per_fetch = 2;
  Truncation truncation = Truncation::kOnFetch;
  OwnEnd own_end = OwnEnd::kAppended;
};

using AnswerEvent = std::variant<Fetched, EpochEndAnswered, OffsetsAnswered>;

// A question to the leader, or the answer to it.
struct Wire {
  NodeId from = kNoNode;
  NodeId to = kNoNode;
  int64_t incarnation = 0;  // of whoever asks
  BrokerEpoch broker_epoch{0};
  Question question;
  std::optional<AnswerEvent> answer;
  std::vector<Entry> entries;  // with an answer to a fetch
};

// An answer of the controller.
struct ControllerWire {
  NodeId to = kNoNode;
  int64_t incarnation = 0;
  AlterPartitionAnswered answer;
};

struct AlterRequest {
  BrokerEpoch broker_epoch{0};
  int64_t incarnation = 0;
  SendAlterPartition request;
};

// Of all machines: worlds are copied.
inline base::NullContext no_context;

struct BrokerNode {
  NodeId id = kNoNode;
  DiskModel disk;
  std::optional<Replica> machine;  // nullopt: down
  int64_t incarnation = 0;
  BrokerEpoch broker_epoch{0};
  size_t view = 0;        // how much of the metadata it has taken in
  size_t registered = 0;  // the version in which this incarnation is registered
  bool clean = false;     // stopped, and has the proof
  // The question whose answer its fetcher waits for.
  std::optional<Question> asked;
  std::deque<AlterRequest> alters;  // to the controller, in order
  std::map<Token, Wire> serving;    // fetches that are not answered yet
  struct Produced {
    Offset offset{0};
    Entry entry;
  };
  std::map<Token, Produced> produced;  // waits for the acknowledgement
};

// What a fetcher tells its replica when no answer came.
inline Event NoAnswer(const Question& question) {
  struct Visitor {
    Event operator()(const FetchPosition& asked) const {
      Fetched fetched;
      fetched.asked = asked;
      fetched.error = ErrorCode::kNetworkException;
      return fetched;
    }
    Event operator()(const EpochEndQuestion& asked) const {
      return EpochEndAnswered{.asked = asked, .error = ErrorCode::kNetworkException, .end = {}};
    }
    Event operator()(const OffsetsQuestion& asked) const {
      return OffsetsAnswered{.asked = asked, .error = ErrorCode::kNetworkException};
    }
  };
  return std::visit(Visitor{}, question);
}

}  // namespace odradek::replication
