// Incremental fetch sessions (KIP-227): what a client asked for and what it was told last, so that later requests and
// answers carry only what changed. Pure: owned by the shard that serves the connection.
//
// Invariants: a session's epoch is the one that its next request must carry; ids are never 0; the cache holds at most
// `slots_max` sessions. For a new one an idle one makes room, or an old one with fewer partitions; else the new client
// goes without a session, so that clients beyond the limit do not drive each other out.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/base/uuid.h"
#include "engine/protocol/errors.h"

namespace odradek::broker {

// A partition as a Fetch names it: by id from version 13 on, by name before. The unused half is empty.
struct FetchPartitionKey {
  std::string topic;
  TopicId topic_id;
  PartitionIndex partition;
  friend auto operator<=>(const FetchPartitionKey&, const FetchPartitionKey&) = default;
};

// What a client wants of a partition.
struct FetchPartitionWish {
  LeaderEpoch current_leader_epoch = kNoLeaderEpoch;
  Offset fetch_offset = kNoOffset;
  LeaderEpoch last_fetched_epoch = kNoLeaderEpoch;
  Offset log_start_offset = kNoOffset;
  int32_t max_bytes = 0;
};

// What it was told: the answer is left out while nothing of this changes and there are no records.
struct FetchPartitionTold {
  Offset high_watermark = kNoOffset;
  Offset last_stable_offset = kNoOffset;
  Offset log_start_offset = kNoOffset;
  friend bool operator==(const FetchPartitionTold&, const FetchPartitionTold&) = default;
};

struct FetchWant {
  FetchPartitionKey key;
  FetchPartitionWish wish;
};

struct FetchAnswerState {
  FetchPartitionTold told;
  int64_t records_bytes = 0;
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  bool is_diverging = false;   // the client takes nothing else from the answer
  bool is_redirected = false;  // who does not hear of it asks here again, at once
};

// Session id and epoch of a request: (0, 0) opens a session, (0, −1) asks without one, (id, 0) replaces, (id, −1)
// closes.
struct FetchSessionRequest {
  int32_t session_id = 0;
  int32_t session_epoch = -1;
  std::vector<FetchWant> wants;
  std::vector<FetchPartitionKey> forgotten;
  // Topic ids are in use (version 13 and above).
  enum class Naming : uint8_t { kByName, kById } naming = Naming::kByName;
};

struct FetchPlan {
  protocol::ErrorCode error = protocol::ErrorCode::kNone;
  // 0: no session; otherwise what the answer carries.
  int32_t session_id = 0;
  enum class Kind : uint8_t { kFull, kIncremental } kind = Kind::kFull;
  // In the order in which they are to be served.
  std::vector<FetchWant> wants;
};

class FetchSessions {
 public:
  struct Options {
    int32_t slots_max = 1000;  // max.incremental.fetch.session.cache.slots
    // Kafka's: a session that was not used for so long is idle, one that has lived for so long is old.
    Duration protected_for = Duration::Seconds(120);
  };

  explicit FetchSessions(Options options) : options_(options) {}

  struct Arrival {
    MonoTime now;
    uint32_t fresh_id = 0;  // a random number for a session that is opened now
  };
  FetchPlan Begin(const FetchSessionRequest& request, const Arrival& arrival, base::Context& context);

  // Whether the partition belongs in the answer of an incremental session, and remembers that it was told.
  // Call for every want of the plan, once, in the order of the plan.
  enum class Include : uint8_t { kYes, kNo };
  Include Tell(const FetchPlan& plan, const FetchPartitionKey& key, const FetchAnswerState& answer);

  size_t session_count() const { return sessions_.size(); }

 private:
  struct Entry {
    FetchPartitionWish wish;
    std::optional<FetchPartitionTold> told;  // none: must be told next time
    uint64_t turn = 0;                       // served in ascending order; moved to the end when records were sent
  };
  struct Session {
    int32_t epoch = 1;
    FetchSessionRequest::Naming naming = FetchSessionRequest::Naming::kByName;
    std::map<FetchPartitionKey, Entry> partitions;
    uint64_t last_turn = 0;
    MonoTime created;
    MonoTime last_used;
    std::list<int32_t>::iterator used;
  };

  FetchPlan Open(const FetchSessionRequest& request, const Arrival& arrival, base::Context& context);
  // Whether there is a slot for a session of so many partitions, perhaps because another session was closed.
  bool MakeRoom(size_t partition_count, MonoTime now);
  FetchPlan Continue(const FetchSessionRequest& request, MonoTime now, base::Context& context);
  void Close(int32_t session_id);
  static void Merge(Session& session, const FetchSessionRequest& request);

  const Options options_;
  std::map<int32_t, Session> sessions_;
  std::list<int32_t> used_;  // the least recently used first
};

}  // namespace odradek::broker
