// A client's share of the cluster: one connection per broker and purpose, and metadata that keeps itself fresh. Shared
// by one producer, consumer or admin and its fibers; it lives until the last of them has left. The members that take a
// fiber suspend; Stop and everything else never do.
//
// Invariants:
//  1. A broker is not asked for a connection more often than reconnect.backoff allows, whoever wants one.
//  2. There is one metadata request under way at a time, and a pause of retry.backoff between two.
//  3. A connection whose broker asked for a pause (throttle_time_ms, KIP-219) is given out again when it is over.
//  4. After Stop nothing is opened any more; the fibers of the cluster leave by themselves.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "engine/client/backoff.h"
#include "engine/client/config.h"
#include "engine/client/metadata_cache.h"
#include "engine/env/env.h"
#include "engine/net/client_connection.h"

namespace odradek::client {

// A long poll holds up what is behind it on its connection, so it has its own.
enum class Purpose : uint8_t { kRequests, kLongPolls };

using ConnectionPtr = std::shared_ptr<net::ClientConnection>;

class Cluster : public std::enable_shared_from_this<Cluster> {
 public:
  static std::shared_ptr<Cluster> Start(env::Env& env, CommonConfig config, AutoCreateTopics auto_create);
  // For Start only.
  Cluster(env::Env& env, CommonConfig config, AutoCreateTopics auto_create);
  ~Cluster();

  void Stop();
  bool is_stopped() const { return stopped_; }

  // Called (it must not suspend) whenever metadata or connections changed.
  void SetListener(absl::AnyInvocable<void()> listener) { listener_ = std::move(listener); }

  // From now on part of every metadata request.
  void AddTopic(std::string_view topic);
  void RemoveTopic(std::string_view topic);
  void RequestUpdate();

  MetadataCache& metadata() { return metadata_; }
  // Counts the answers that were taken over.
  uint64_t metadata_version() const { return metadata_version_; }
  // Waits for an answer after `version`. False: the deadline passed, or the cluster was stopped.
  bool WaitForUpdate(fiber::Fiber& self, uint64_t version, MonoTime deadline);
  // What the last failed attempt to get metadata said; empty after a success.
  const std::string& metadata_problem() const { return metadata_problem_; }
  // Since the last answer, or the start.
  Duration metadata_age() const { return env_.clock.Now() - last_success_; }

  struct Reached {
    ConnectionPtr connection;  // null: `what` says why
    NodeId node = kNoNode;
    std::string what;
  };
  // An open connection, or one attempt to open it after the backoff. The deadline bounds the waiting for others.
  Reached Connect(fiber::Fiber& self, NodeId node, Purpose purpose, MonoTime deadline);
  // To any broker: one that is connected, or else a random known one, or else from the bootstrap list.
  Reached ConnectAny(fiber::Fiber& self, MonoTime deadline);
  // An open connection. Null while a fiber of the cluster tries to get one, of which the listener hears, or while the
  // broker wants a pause: then `wake_at` is lowered to its end.
  ConnectionPtr TryConnect(NodeId node, Purpose purpose, MonoTime& wake_at);
  // The open connection that is there; null: none, or one that wants a pause.
  ConnectionPtr FindOpen(NodeId node, Purpose purpose) const;
  // The last attempt to connect failed, and it is too early for another.
  bool is_unreachable(NodeId node, Purpose purpose) const;
  // Why the last attempt to connect failed; empty: it did not, or there was none.
  std::string_view connect_problem(NodeId node, Purpose purpose) const;
  env::Env& env() { return env_; }
  const CommonConfig& config() const { return config_; }
  BackoffRange retry_backoff() const { return {config_.retry_backoff, config_.retry_backoff_max}; }
  Duration RetryBackoff(int64_t failure_count);

 private:
  struct Key {
    int32_t node = 0;  // below -1: −2 − index into the bootstrap list
    Purpose purpose = Purpose::kRequests;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Slot {
    ConnectionPtr connection;
    env::Address address;  // as it was asked for; a peer's own may be what a name stands for
    bool opening = false;
    bool has_connector = false;  // a fiber of TryConnect
    int64_t failure_count = 0;
    MonoTime next_attempt;
    std::string problem;  // of the last attempt, for people
    fiber::WaitQueue changed;
  };
  class OpeningGuard;

  Reached ConnectTo(fiber::Fiber& self, Key key, MonoTime deadline);
  Reached Open(fiber::Fiber& self, Slot& slot, const env::Address& address);
  const env::Address* AddressOf(Key key) const;
  std::vector<Key> Candidates();
  void RunMetadata(fiber::Fiber& self);
  bool UpdateFrom(fiber::Fiber& self, const Reached& broker);
  bool UpdateOnce(fiber::Fiber& self);
  void TakeOver(const protocol::MetadataResponse& response, const std::vector<std::string>& asked);
  bool IsMissingSomething() const;
  void CloseIdle();
  void Changed();

  env::Env& env_;
  const CommonConfig config_;
  const AutoCreateTopics auto_create_;
  MetadataCache metadata_;
  std::set<std::string, std::less<>> topics_;
  std::map<Key, std::unique_ptr<Slot>> slots_;
  absl::AnyInvocable<void()> listener_;
  bool stopped_ = false;
  bool update_wanted_ = true;
  bool rebootstrap_ = false;
  uint64_t metadata_version_ = 0;
  MonoTime last_success_;
  std::string metadata_problem_;
  fiber::WaitQueue wanted_;
  fiber::WaitQueue updated_;
};

}  // namespace odradek::client
