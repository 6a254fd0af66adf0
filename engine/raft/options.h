// What a replica of the quorum is told before it starts. Plain values; nothing suspends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/time.h"
#include "engine/raft/types.h"
#include "engine/raft/voter_set.h"

namespace odradek::raft {

// Kafka's defaults; the names are those of its settings without `controller.quorum.`.
struct Timeouts {
  // How long an election may take, and how long a replica without a leader waits before it begins one.
  Duration election = Duration::Millis(1000);
  // A draw of up to this much is added, so that two candidates seldom collide twice.
  Duration election_jitter_max = Duration::Millis(1000);
  Duration election_backoff_max = Duration::Millis(1000);
  // A voter that could not fetch for so long asks for an election; a leader from which no majority fetched for half as
  // long again resigns.
  Duration fetch = Duration::Millis(2000);
  Duration request = Duration::Millis(2000);
  Duration retry_backoff = Duration::Millis(20);
  // How long a leader may hold a fetch that has nothing to give (not a setting in Kafka).
  Duration fetch_wait_max = Duration::Millis(500);
  // A replica that boots without a leader asks for pre-votes at once, but for a draw of up to this much: a pre-vote
  // disturbs nobody who has a leader.
  Duration boot_jitter_max = Duration::Millis(20);
};

struct Limits {
  int32_t fetch_bytes_max = 8 << 20;           // fetch.max.bytes
  int32_t snapshot_fetch_bytes_max = 8 << 20;  // fetch.snapshot.max.bytes
  // An observer that has not fetched for so long is no longer described.
  Duration observer_session = Duration::Seconds(300);
  // A replica may become a voter if it caught up with the log and has fetched this recently.
  Duration caught_up_age_max = Duration::Seconds(3600);
};

struct Options {
  ReplicaKey self;
  // Of this node, as they are to stand in the voter set.
  Endpoints endpoints;
  // By which listener the replicas of the quorum reach each other.
  std::string listener;
  VersionRange kraft_versions;
  // controller.quorum.voters: who votes while kraft.version is 0. Empty: dynamic voters only.
  VoterSet static_voters;
  // controller.quorum.bootstrap.servers: whom to ask where the leader is. Empty: the voters.
  Endpoints bootstrap_servers;
  Timeouts timeouts;
  Limits limits;
  // Drawn anew for each start; draws are keyed by it, the node and a counter.
  uint64_t draw_seed = 0;
};

}  // namespace odradek::raft
