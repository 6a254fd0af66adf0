#include "engine/broker/broker_lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/metadata/elections.h"
#include "engine/metadata/record.h"
#include "engine/protocol/errors.h"

namespace odradek::broker {
namespace {

using protocol::ErrorCode;

// SecurityProtocol.PLAINTEXT of Kafka.
constexpr int16_t kPlaintext = 0;
constexpr Duration kRetryPause = Duration::Millis(50);

}  // namespace

BrokerLifecycle::BrokerLifecycle(env::Env& env, const NodeOptions& options, Controller& controller,
                                 const ControllerStart& start, BrokerEpoch previous_epoch)
    : env_(env), options_(options), controller_(controller), registration_(RegistrationOf(start)) {
  registration_.previous_broker_epoch = previous_epoch.value();
}

protocol::BrokerRegistrationRequest BrokerLifecycle::RegistrationOf(const ControllerStart& start) const {
  protocol::BrokerRegistrationRequest request;
  request.broker_id = options_.config.node_id.value();
  request.cluster_id = options_.cluster_id;
  const uint64_t high = env_.entropy.Next64();
  const uint64_t low = env_.entropy.Next64();
  request.incarnation_id = Uuid::FromRandom(high, low);
  for (const config::Endpoint& endpoint : start.advertised) {
    request.listeners.push_back({endpoint.listener, endpoint.host, static_cast<uint16_t>(endpoint.port), kPlaintext});
  }
  request.rack = options_.config.rack.empty() ? std::nullopt : std::optional(options_.config.rack);
  request.log_dirs = start.log_dirs;
  return request;
}

absl::Status BrokerLifecycle::Start(fiber::Fiber& self) {
  while (!gives_up_) {
    const absl::StatusOr<Asked> registered = Register(self);
    if (!registered.ok()) return registered.status();
    // Nothing is unfenced that has not seen its own registration.
    if (*registered == Asked::kDone && controller_.WaitUntilApplied(self, Offset(epoch_.value()))) break;
    controller_.AwaitNews(self, kRetryPause);
  }
  while (!gives_up_) {
    if (Beat(self, /*wants_shut_down=*/false) == Asked::kDone && !last_beat_.is_fenced) break;
    controller_.AwaitNews(self, kRetryPause);
  }
  if (gives_up_) return absl::CancelledError("stopped before the broker was registered");
  controller_.PublishFromNowOn(self);
  return absl::OkStatus();
}

void BrokerLifecycle::GiveUp() {
  gives_up_ = true;
  changed_.WakeAll();
}

void BrokerLifecycle::Hurry() {
  hurries_ = true;
  changed_.WakeAll();
}

void BrokerLifecycle::Pause(fiber::Fiber& self, Duration pause) {
  if (!stopping_) changed_.WaitUntil(self, self.Now() + pause);
}

absl::StatusOr<BrokerLifecycle::Asked> BrokerLifecycle::Register(fiber::Fiber& self) {
  // A log that Kafka began has finalized features that this version does not act on: their records are kept, and a
  // broker that did not claim them could not register.
  registration_.features = {{std::string(metadata::kMetadataVersionFeature), metadata::kMetadataVersionMin.value(),
                             metadata::kMetadataVersionMax.value()},
                            {std::string(metadata::kElrFeature), 0, 1}};
  for (const auto& [name, level] : controller_.image().features()) {
    const bool is_claimed = name == metadata::kMetadataVersionFeature || name == metadata::kElrFeature;
    if (!is_claimed) registration_.features.push_back({name, 0, level});
  }
  const auto answer = controller_.AskActive<protocol::BrokerRegistrationResponse>(self, registration_);
  if (answer.error != ErrorCode::kNone) return Asked::kAgain;
  const auto error = static_cast<ErrorCode>(answer.response.error_code);
  switch (error) {
    case ErrorCode::kNone:
      epoch_ = BrokerEpoch(answer.response.broker_epoch);
      controller_.SetBrokerEpoch(epoch_);
      return Asked::kDone;
    case ErrorCode::kNotController:
    case ErrorCode::kDuplicateBrokerRegistration:  // until the session of the process before is over
      REACHED(env_.context, "broker.lifecycle.registers_again");
      return Asked::kAgain;
    default:
      return absl::FailedPreconditionError(fmt::format("broker registration: {} ({})", protocol::ErrorName(error),
                                                       controller_.last_registration_problem()));
  }
}

BrokerLifecycle::Asked BrokerLifecycle::Beat(fiber::Fiber& self, bool wants_shut_down) {
  protocol::BrokerHeartbeatRequest request;
  request.broker_id = options_.config.node_id.value();
  request.broker_epoch = epoch_.value();
  request.current_metadata_offset = controller_.applied_end().value() - 1;
  request.want_shut_down = wants_shut_down;
  const auto answer = controller_.AskActive<protocol::BrokerHeartbeatResponse>(self, request);
  if (answer.error != ErrorCode::kNone) return Asked::kAgain;
  const auto error = static_cast<ErrorCode>(answer.response.error_code);
  if (error == ErrorCode::kStaleBrokerEpoch) {
    env_.process.Fatal(self, "another process has registered with this node.id");
  }
  if (error != ErrorCode::kNone) return Asked::kAgain;
  last_beat_ = answer.response;
  return Asked::kDone;
}

void BrokerLifecycle::Run(fiber::Fiber& self) {
  while (!stopping_) {
    Pause(self, options_.config.heartbeat_interval);
    if (!stopping_) Beat(self, /*wants_shut_down=*/false);
  }
  ended_.Set();
}

void BrokerLifecycle::Stop(fiber::Fiber& self, Duration patience) {
  stopping_ = true;
  changed_.WakeAll();
  ended_.Wait(self);
  const MonoTime deadline = self.Now() + patience;
  const metadata::Image& image = controller_.image();
  const auto is_other = [this](const auto& entry) {
    return entry.first != options_.config.node_id && !entry.second.fenced;
  };
  // Alone there is nobody who could take over.
  if (std::ranges::none_of(image.brokers(), is_other)) return;
  while (self.Now() < deadline && !hurries_) {
    if (Beat(self, /*wants_shut_down=*/true) == Asked::kDone && last_beat_.should_shut_down) return;
    changed_.WaitUntil(self, self.Now() + kRetryPause);
  }
}

}  // namespace odradek::broker
