// The broker of this node as the active controller sees it (KIP-500, KIP-631): it registers, beats, and leaves in an
// orderly way. Lives on shard 0.
//
//  1. A process registers once per incarnation; a later registration of the same process keeps its epoch.
//  2. A broker that another process of its id has replaced ends (Process::Fatal).
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "engine/broker/controller.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"
#include "engine/protocol/generated/broker_heartbeat.h"
#include "engine/protocol/generated/broker_registration.h"

namespace odradek::broker {

class BrokerLifecycle {
 public:
  // `controller` outlives it. `previous_epoch`: of the process that stopped cleanly before; −1: none did.
  BrokerLifecycle(env::Env& env, const NodeOptions& options, Controller& controller, const ControllerStart& start,
                  BrokerEpoch previous_epoch);

  // Until the broker is registered and unfenced and what it leads is published. An error: it cannot be, or GiveUp().
  absl::Status Start(fiber::Fiber& self);
  void GiveUp();
  // Nobody waits for others to take over any longer.
  void Hurry();
  // Beats until Stop().
  void Run(fiber::Fiber& self);
  // A controlled shutdown: others take over what this broker leads, for at most `patience`; then Run() ends.
  void Stop(fiber::Fiber& self, Duration patience);

  BrokerEpoch epoch() const { return epoch_; }

 private:
  protocol::BrokerRegistrationRequest RegistrationOf(const ControllerStart& start) const;
  enum class Asked : uint8_t { kDone, kAgain };
  // An error: the controller refuses the broker for good.
  absl::StatusOr<Asked> Register(fiber::Fiber& self);
  // kAgain: there is no answer.
  Asked Beat(fiber::Fiber& self, bool wants_shut_down);
  void Pause(fiber::Fiber& self, Duration pause);

  env::Env& env_;
  const NodeOptions& options_;
  Controller& controller_;
  protocol::BrokerRegistrationRequest registration_;
  BrokerEpoch epoch_{-1};
  protocol::BrokerHeartbeatResponse last_beat_;
  bool gives_up_ = false;
  bool stopping_ = false;
  bool hurries_ = false;
  fiber::WaitQueue changed_;
  fiber::Event ended_;
};

}  // namespace odradek::broker
