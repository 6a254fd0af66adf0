// What the active controller knows of its brokers' heartbeats: soft state beside the fold of the log, never replayed. A
// plain value of the active controller's owner; a new one begins with every term. Time is an argument; never suspends.
//
//  1. A broker's session ends when nothing was heard of it for the session timeout (broker.session.timeout.ms).
//  2. A new active controller has heard of nobody: every registered broker begins with a fresh session.
//  3. A contact counts for one broker epoch: what an earlier process of the broker sends changes nothing.
//  4. The offset at which a controlled shutdown may end is set once per shutdown (SEMANTICS.md 34, KAFKA-14292).
//
// Source: KIP-500, KIP-631, KIP-841.
#pragma once

#include <map>
#include <optional>

#include "engine/base/ids.h"
#include "engine/base/time.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// Whether the broker's last heartbeat is recent: a broker with a live session is not replaced by another process.
enum class Session : uint8_t { kExpired, kLive };

// What the controller lets a broker do, and how a heartbeat changes that.
enum class Control : uint8_t { kFenced, kUnfenced, kShuttingDown, kShutDownNow };
struct ControlChange {
  Control from = Control::kFenced;
  Control to = Control::kFenced;
  friend bool operator==(const ControlChange&, const ControlChange&) = default;
};

struct BrokerIdentity {
  NodeId id;
  BrokerEpoch epoch;
  friend auto operator<=>(const BrokerIdentity&, const BrokerIdentity&) = default;
};

class Heartbeats {
 public:
  // REQUIRES: session_timeout > 0.
  explicit Heartbeats(Duration session_timeout);

  // A controller becomes active: forgets everything, every broker of the image has been heard of now.
  void Begin(const Image& image, MonoTime now);
  // A registration was written: the session of that process begins, of any other one of this id it ends.
  void Registered(BrokerIdentity broker, MonoTime now);
  // `metadata_offset`: of the last record that the broker has folded; kNoOffset: none. Counts also if the heartbeat
  // waited so long that nobody acts on it any more.
  void Received(BrokerIdentity broker, Offset metadata_offset, MonoTime now);
  // A heartbeat was decided upon and its records are written; the log's last record is at `last_offset`. Where a
  // controlled shutdown begins, this is what the others must have seen before it ends.
  void Decided(BrokerIdentity broker, const ControlChange& change, Offset last_offset);
  // A fenced broker has left its controlled shutdown, and its session is over until it is heard of again; an
  // unregistered one is forgotten.
  void Fenced(BrokerIdentity broker);
  void Unregistered(NodeId broker);

  Session SessionOf(BrokerIdentity broker, MonoTime now) const;
  // The broker to fence now: of those that are not fenced the one heard of longest ago, if its session is over. One at
  // a time, so that the next is decided upon what the first led to.
  std::optional<BrokerIdentity> FindExpired(const Image& image, MonoTime now) const;
  // When FindExpired() is to be asked again. Never(): nobody is there to be fenced.
  MonoTime NextCheck(const Image& image) const;

  // nullopt: the broker is not in a controlled shutdown that this controller knows of.
  std::optional<Offset> ShutdownOffset(BrokerIdentity broker) const;
  // What every active broker has folded; kNoOffset: one has said nothing yet. nullopt: nobody is active.
  std::optional<Offset> LowestActiveOffset(const Image& image) const;

  friend bool operator==(const Heartbeats&, const Heartbeats&) = default;

 private:
  struct Contact {
    BrokerEpoch epoch;
    MonoTime session_end;
    Offset metadata_offset = kNoOffset;
    std::optional<Offset> shutdown_offset;
    friend bool operator==(const Contact&, const Contact&) = default;
  };
  // nullptr: unknown, or another process of the id.
  const Contact* Find(BrokerIdentity broker) const;
  Contact* Find(BrokerIdentity broker);
  struct Silence {
    BrokerIdentity broker;
    MonoTime end;  // of its session
  };
  // Of those that are not fenced the one whose session ends first. One of which nothing is known has none.
  std::optional<Silence> Longest(const Image& image) const;

  Duration session_timeout_;
  std::map<NodeId, Contact> contacts_;
};

}  // namespace odradek::metadata
