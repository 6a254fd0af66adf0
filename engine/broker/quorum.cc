#include "engine/broker/quorum.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/absl_compat.h"
#include "engine/base/check.h"
#include "engine/raft/control_batches.h"

namespace odradek::broker {
namespace {

// Where an answer of the machine is waited for. The machine may answer when nobody waits any more.
template <typename Map, typename Waiter>
class Registered {
 public:
  Registered(Map& map, raft::RequestToken token, Waiter& waiter) : map_(map), token_(token) {
    map_.emplace(token, &waiter);
  }
  ~Registered() { map_.erase(token_); }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

 private:
  Map& map_;
  const raft::RequestToken token_;
};

template <typename Map, typename Answer>
void Deliver(Map& map, raft::RequestToken token, Answer answer) {
  const auto at = map.find(token);
  if (at == map.end()) return;
  at->second->answer = std::move(answer);
  at->second->changed.WakeAll();
}

}  // namespace

Quorum::Quorum(env::Env& env, QuorumLog& log, Start start)
    : env_(env),
      log_(log),
      identity_(std::move(start.identity)),
      machine_({.options = std::move(start.options),
                .log = std::move(start.found.log),
                .voters = std::move(start.found.voters),
                .quorum_state = std::move(start.found.quorum_state),
                .now = env.clock.Now()},
               env.context),
      high_watermark_(machine_.high_watermark()),
      kept_since_start_(machine_.log().end()) {}

Quorum::~Quorum() = default;

void Quorum::Run(fiber::Fiber& self) {
  fiber::TaskGroup tasks(self);
  fiber::TaskGroup requests(self);
  tasks_ = &tasks;
  requests_ = &requests;
  Take(machine_.Tick(self.Now()));
  tasks.Spawn("quorum timer", [this](fiber::Fiber& fiber) { RunTimer(fiber); });
  tasks.Spawn("quorum effects", [this](fiber::Fiber& fiber) { RunEffects(fiber); });
  // What writes ends by itself; what only waits for others is cut off.
  tasks.Join(self);
  requests.Cancel();
  requests.Join(self);
  tasks_ = requests_ = nullptr;
  for (auto& [id, peer] : peers_) {
    if (peer.connection != nullptr) peer.connection->Close();
  }
  ended_.Set();
}

void Quorum::Stop(fiber::Fiber& self, Duration patience) {
  const MonoTime deadline = self.Now() + patience;
  Step(raft::Shutdown{});
  while (!machine_.may_stop() && self.Now() < deadline) changed_.WaitUntil(self, deadline);
  stopping_ = true;
  timer_changed_.WakeAll();
  effects_changed_.WakeAll();
  ended_.Wait(self);
}

void Quorum::Step(raft::Event event) {
  Take(machine_.Step({.now = env_.clock.Now(), .event = std::move(event)}));
}

void Quorum::Take(raft::Output output) {
  if (MUTATION(env_.context, RF01)) {
    std::ranges::stable_partition(output.effects, [](const raft::Effect& effect) {
      return !std::holds_alternative<raft::PersistQuorumState>(effect);
    });
  }
  for (raft::Effect& effect : output.effects) effects_.push_back(std::move(effect));
  effects_changed_.WakeAll();
  timer_changed_.WakeAll();
  // Stop() looks at the machine.
  changed_.WakeAll();
}

void Quorum::RunTimer(fiber::Fiber& self) {
  while (!stopping_) {
    const MonoTime deadline = machine_.next_deadline();
    if (self.Now() >= deadline) {
      Take(machine_.Tick(self.Now()));
      // Time that is due already again must not keep the shard from everything else.
      if (machine_.next_deadline() <= self.Now()) fiber::SleepFor(self, Duration::Millis(1));
      continue;
    }
    timer_changed_.WaitUntil(self, deadline);
  }
}

void Quorum::RunEffects(fiber::Fiber& self) {
  while (true) {
    while (effects_.empty() && !stopping_) effects_changed_.Wait(self);
    if (effects_.empty()) return;
    raft::Effect effect = std::move(effects_.front());
    effects_.pop_front();
    std::visit([&](auto& one) { Do(self, one); }, effect);
  }
}

void Quorum::Must(fiber::Fiber& self, const absl::Status& status) {
  if (!status.ok()) env_.process.Fatal(self, fmt::format("metadata quorum: {}", base::SV(status.message())));
}

raft::Response Quorum::Ask(fiber::Fiber& self, raft::Request request) {
  Waiter<raft::Response> waiter;
  const raft::RequestToken token(++last_token_);
  const Registered registered(asked_, token, waiter);
  Step(raft::RequestReceived{token, std::move(request)});
  while (!waiter.answer) waiter.changed.Wait(self);
  return *std::move(waiter.answer);
}

std::optional<Quorum::Appended> Quorum::Propose(fiber::Fiber& self, LeaderEpoch epoch, Batches batches) {
  Waiter<raft::AnswerProposal> waiter;
  const raft::RequestToken token(++last_token_);
  const Registered registered(proposed_, token, waiter);
  Step(raft::Propose{token, epoch, std::move(batches.record_counts), std::move(batches.bytes)});
  while (!waiter.answer) waiter.changed.Wait(self);
  if (waiter.answer->error != protocol::ErrorCode::kNone) return std::nullopt;
  return Appended{waiter.answer->base_offset, waiter.answer->end};
}

std::optional<env::Address> Quorum::leader_address() const {
  const raft::Endpoint* const endpoint = machine_.leader_endpoint();
  if (endpoint == nullptr || machine_.leader() == machine_.self().id) return std::nullopt;
  return env::Address{endpoint->host, endpoint->port};
}

void Quorum::Do(fiber::Fiber& self, raft::PersistQuorumState& effect) {
  Must(self, log_.WriteQuorumState(self, effect.state));
}

void Quorum::Do(fiber::Fiber& self, raft::AppendBatches& effect) {
  Must(self, log_.AppendFetched(self, effect.batches.bytes));
}

void Quorum::Do(fiber::Fiber& self, raft::AppendProposal& effect) {
  Must(self, log_.AppendAsLeader(self, effect.bytes, effect.base_offset, effect.epoch));
}

void Quorum::Do(fiber::Fiber& self, raft::AppendControl& effect) {
  ByteBuffer batch = raft::EncodeControlBatch(effect, env_.clock.WallNow().timestamp());
  Must(self, log_.AppendAsLeader(self, batch, effect.base_offset, effect.epoch));
}

void Quorum::Do(fiber::Fiber& self, raft::TruncateLog& effect) {
  REACHED(env_.context, "broker.quorum.truncated");
  kept_since_start_ = std::min(kept_since_start_, effect.end);
  Must(self, log_.TruncateTo(self, effect.end));
}

void Quorum::Do(fiber::Fiber&, raft::FlushLog& effect) {
  // Beside the effects: what is appended meanwhile shares the next flush.
  tasks_->Spawn("quorum flush", [this, id = effect.id](fiber::Fiber& fiber) {
    Must(fiber, log_.Flush(fiber));
    Step(raft::LogFlushed{id});
  });
}

void Quorum::Do(fiber::Fiber&, raft::SendRequest& effect) {
  if (stopping_) return;
  requests_->Spawn("quorum request",
                   [this, request = std::move(effect)](fiber::Fiber& fiber) { SendTo(fiber, request); });
}

// What a fetch is answered with is read here, before a later effect changes the log.
void Quorum::Do(fiber::Fiber& self, raft::SendResponse& effect) {
  if (auto* fetched = std::get_if<raft::FetchResponse>(&effect.response)) {
    const QuorumLog::Range range{fetched->read_from, fetched->read_end, fetched->bytes_max};
    Must(self, log_.Read(self, range, fetched->batches.bytes));
  }
  if (auto* piece = std::get_if<raft::FetchSnapshotResponse>(&effect.response);
      piece != nullptr && piece->read_bytes > 0) {
    piece->bytes.resize(static_cast<size_t>(piece->read_bytes));
    Must(self, log_.ReadSnapshotPiece(self, piece->snapshot, piece->position_bytes, piece->bytes));
  }
  Deliver(asked_, effect.token, std::move(effect.response));
}

void Quorum::Do(fiber::Fiber&, raft::AnswerProposal& effect) {
  Deliver(proposed_, effect.token, effect);
}

void Quorum::Do(fiber::Fiber&, raft::AdvanceHighWatermark& effect) {
  INVARIANT(effect.high_watermark >= high_watermark_);
  log_.SetHighWatermark(effect.high_watermark);
  high_watermark_ = effect.high_watermark;
  changed_.WakeAll();
}

void Quorum::Do(fiber::Fiber&, raft::AnnounceLeader& effect) {
  leadership_ = {effect.epoch, effect.leader, effect.epoch_start};
  if (effect.leader != kNoNode) {
    env_.log.Write(
        env::LogLevel::kInfo, "broker", "the quorum has a leader",
        {{"epoch", fmt::format("{}", effect.epoch.value())}, {"leader", fmt::format("{}", effect.leader.value())}});
  }
  changed_.WakeAll();
}

void Quorum::Do(fiber::Fiber& self, raft::WriteSnapshot& effect) {
  Must(self, log_.WriteSnapshotPiece(self, effect));
}

void Quorum::Do(fiber::Fiber& self, raft::InstallSnapshot& effect) {
  absl::StatusOr<std::optional<raft::InstalledSnapshot>> installed = log_.InstallSnapshot(self, effect.id);
  Must(self, installed.status());
  if (*installed) kept_since_start_ = Offset(0);
  Step(raft::SnapshotInstalled{effect.id, *std::move(installed)});
}

void Quorum::Do(fiber::Fiber& self, raft::DeleteLogPrefix& effect) {
  Must(self, log_.DeletePrefix(self, effect.snapshot));
}

void Quorum::Do(fiber::Fiber& self, raft::Fault& effect) {
  env_.process.Fatal(self, fmt::format("metadata quorum: {}", effect.what));
}

}  // namespace odradek::broker
