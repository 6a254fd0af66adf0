#include "sim/workload/stranger_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/net/client_connection.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/init_producer_id.h"
#include "engine/protocol/generated/produce.h"
#include "engine/record/builder.h"
#include "sim/workload/payload.h"

namespace odradek::workload {
namespace {

using protocol::ErrorCode;

// As the producers' values, above all of theirs.
constexpr uint64_t kStrangerValuesPerClient = 1'000'000;
constexpr int64_t kStrangerPayloadBytesMax = 120;
// The last versions that name topics by name.
constexpr int16_t kProduceVersionMax = 12;
constexpr int16_t kFetchVersionMax = 12;
constexpr int kFetchesBeyond = 10;
constexpr int32_t kEpochOfNobody = 1'000'000;
constexpr Duration kPauseWithoutConnection = Duration::Millis(50);

// Answers that prove that nothing was appended.
bool ProvesRefusal(ErrorCode error) {
  return error == ErrorCode::kOutOfOrderSequenceNumber || error == ErrorCode::kInvalidProducerEpoch ||
         error == ErrorCode::kCorruptMessage || error == ErrorCode::kInvalidRecord;
}

}  // namespace

// One life of the stranger's process.
class StrangerWorkload::Process final : public sim::ProgramInstance {
 public:
  Process(StrangerWorkload& work, env::Env& env) : work_(work), env_(env) {
    env.scheduler.Spawn("stranger", [this](fiber::Fiber& self) { Run(self); });
  }

 private:
  // A record, however often it is sent.
  struct Piece {
    Recorder::SendIndex index = 0;
    Timestamp timestamp = kNoTimestamp;
    ByteBuffer payload;
    bool may_be_there = false;
    Offset offset = kNoOffset;
  };
  using Pieces = std::vector<Piece*>;
  enum class Damage : uint8_t { kNone, kFlippedByte };

  // What an act writes as: a producer id of its own.
  struct Role {
    ProducerId id = kNoProducerId;
    TopicPartition partition;
    int32_t session = 0;
    // A gap that the stranger makes itself is no fault of the broker's.
    bool keeps_order = true;
  };

  void Run(fiber::Fiber& self) {
    while (!work_.hurry_) {
      if (!Connect(self)) {
        fiber::SleepFor(self, kPauseWithoutConnection);
        continue;
      }
      ++work_.act_count_;
      Act(self);
      fiber::SleepFor(self, Draw(env_, work_.options_.pause));
    }
    work_.is_done_ = true;
    if (connection_ != nullptr) connection_->Close();
  }

  bool Connect(fiber::Fiber& self) {
    if (connection_ != nullptr && connection_->is_open()) return true;
    net::ClientConnectionOptions options{.client_id = work_.options_.client_id};
    options.setup_timeout = work_.options_.request_timeout;
    options.request_timeout = work_.options_.request_timeout;
    connection_ = net::ClientConnection::Open(self, env_, work_.options_.broker, std::move(options)).connection;
    return connection_ != nullptr;
  }

  void Act(fiber::Fiber& self) {
    const uint32_t foreign_epoch_ppm = work_.options_.foreign_epoch_ppm;
    if (foreign_epoch_ppm > 0 && DrawPartsPerMillion(env_, foreign_epoch_ppm)) return FetchInAnotherEpoch(self);
    const uint64_t drawn = DrawBelow(env_, 9);
    if (drawn == 0) return RepeatFetch(self);
    if (drawn == 7) return FetchBeyond(self);
    const std::optional<Role> role = NewRole(self);
    if (!role) return;
    switch (drawn) {
      case 1:
        return SendAgain(self, *role);
      case 2:
        return SendAgainWithMore(self, *role);
      case 3:
        return GoOnWithTheOldEpoch(self, *role);
      case 4:
        return BeginAnEpochInTheMiddle(self, *role);
      case 5:
        return SendInTheWrongOrder(self, *role);
      case 8:
        return SendTwiceAtOnce(self, *role);
      default:
        return SendDamaged(self, *role);
    }
  }

  std::optional<Role> NewRole(fiber::Fiber& self) {
    protocol::InitProducerIdRequest request;
    request.transactional_id.reset();
    request.transaction_timeout_ms = 60'000;
    const auto result = connection_->Call<protocol::InitProducerIdRequest, protocol::InitProducerIdResponse>(
        self, request, connection_->PickVersion(protocol::ApiKey::kInitProducerId, {0, 5}));
    if (!result.ok() || result.response.error_code != 0) return std::nullopt;
    const TargetTopic& topic = work_.options_.topics[DrawBelow(env_, work_.options_.topics.size())];
    const uint64_t partition = DrawBelow(env_, static_cast<uint64_t>(topic.partition_count));
    return Role{.id = ProducerId(result.response.producer_id),
                .partition = {topic.name, PartitionIndex(static_cast<int32_t>(partition))},
                .session = ++work_.session_};
  }

  Piece NewPiece(const Role& role) {
    const uint64_t value =
        static_cast<uint64_t>(work_.options_.client) * kStrangerValuesPerClient + ++work_.value_count_;
    Piece piece;
    piece.timestamp = env_.clock.WallNow().timestamp();
    piece.payload = MakePayload(value, std::nullopt, Draw(env_, Between<int64_t>{0, kStrangerPayloadBytesMax}));
    piece.index = work_.recorder_.BeginSend({.client = work_.options_.client,
                                             .session = role.session,
                                             .idempotent = role.keeps_order,
                                             .acks = history::Acks::kAll,
                                             .partition = role.partition,
                                             .value = value,
                                             .timestamp = IsTimestampKept(role) ? piece.timestamp : kNoTimestamp});
    return piece;
  }

  bool IsTimestampKept(const Role& role) const {
    const auto& topics = work_.options_.topics;
    return std::all_of(topics.begin(), topics.end(), [&](const TargetTopic& topic) {
      return topic.name != role.partition.topic || topic.keeps_timestamps;
    });
  }

  // Sends one batch of the pieces. nullopt: no answer that says anything, so that the act is over.
  struct How {
    int16_t epoch = 0;
    int32_t base_sequence = 0;
    Damage damage = Damage::kNone;
  };
  std::optional<ErrorCode> Send(fiber::Fiber& self, const Role& role, const Pieces& pieces, const How& how) {
    return SendOver(self, *connection_, role, pieces, how);
  }

  std::optional<ErrorCode> SendOver(fiber::Fiber& self, net::ClientConnection& connection, const Role& role,
                                    const Pieces& pieces, const How& how) {
    record::BatchBuilder builder(record::BatchBuilderOptions{});
    for (const Piece* piece : pieces) {
      builder.Append({.timestamp = piece->timestamp, .value = Bytes(piece->payload)});
    }
    builder.SetProducer({role.id, ProducerEpoch(how.epoch), how.base_sequence});
    ByteBuffer batch = builder.Build();
    // In the value: the last byte counts the headers.
    if (how.damage == Damage::kFlippedByte) batch[batch.size() - 2] ^= std::byte{0x01};
    protocol::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = static_cast<int32_t>(work_.options_.request_timeout.millis());
    auto& topic = request.topic_data.emplace_back();
    topic.name = role.partition.topic;
    auto& partition = topic.partition_data.emplace_back();
    partition.index = role.partition.partition.value();
    partition.records = protocol::RecordsField(Bytes(batch));
    const int16_t version =
        connection.PickVersion(protocol::ApiKey::kProduce, {protocol::ProduceRequest::kMinVersion, kProduceVersionMax});
    const auto result = connection.Call<protocol::ProduceRequest, protocol::ProduceResponse>(self, request, version);
    const bool is_answered = result.ok() && result.response.responses.size() == 1 &&
                             result.response.responses[0].partition_responses.size() == 1;
    if (!is_answered) return Unclear(pieces);
    const auto& answer = result.response.responses[0].partition_responses[0];
    const auto error = static_cast<ErrorCode>(answer.error_code);
    if (error != ErrorCode::kNone && !ProvesRefusal(error)) return Unclear(pieces);
    for (size_t i = 0; i < pieces.size() && error == ErrorCode::kNone; ++i) {
      pieces[i]->offset = Offset(answer.base_offset) + static_cast<int64_t>(i);
    }
    return error;
  }

  static std::optional<ErrorCode> Unclear(const Pieces& pieces) {
    for (Piece* piece : pieces) piece->may_be_there = true;
    return std::nullopt;
  }

  void Settle(std::initializer_list<const Piece*> pieces) {
    for (const Piece* piece : pieces) {
      Recorder::SendEnd end{.outcome = piece->may_be_there ? history::Outcome::kUnknown : history::Outcome::kFail};
      if (piece->offset != kNoOffset) end = {.outcome = history::Outcome::kOk, .offset = piece->offset};
      work_.recorder_.EndSend(piece->index, end);
    }
  }

  // As after lost answers: the offsets must be the first ones.
  void SendAgain(fiber::Fiber& self, const Role& role) {
    Piece a = NewPiece(role);
    Piece b = NewPiece(role);
    bool goes_on = Send(self, role, {&a}, {.base_sequence = 0}).has_value();
    goes_on = goes_on && Send(self, role, {&b}, {.base_sequence = 1}).has_value();
    goes_on = goes_on && Send(self, role, {&a}, {.base_sequence = 0}).has_value();
    if (goes_on) Send(self, role, {&b}, {.base_sequence = 1});
    Settle({&a, &b});
  }

  // As a client that has not heard of the first one in time, over another connection: both answers count for the same
  // batch, and neither may come before it is durable.
  void SendTwiceAtOnce(fiber::Fiber& self, const Role& role) {
    const std::shared_ptr<net::ClientConnection> first = connection_;
    connection_ = nullptr;
    Piece a = NewPiece(role);
    if (Connect(self)) {
      const std::shared_ptr<net::ClientConnection> second = connection_;
      fiber::TaskGroup both(self);
      for (const auto& connection : {first, second}) {
        both.Spawn("stranger's send", [&, connection](fiber::Fiber& child) {
          SendOver(child, *connection, role, {&a}, {.base_sequence = 0});
        });
      }
      both.Join(self);
    }
    first->Close();
    Settle({&a});
  }

  // The second record must not be taken for acknowledged.
  void SendAgainWithMore(fiber::Fiber& self, const Role& role) {
    Piece a = NewPiece(role);
    Piece b = NewPiece(role);
    if (Send(self, role, {&a}, {.base_sequence = 0})) Send(self, role, {&a, &b}, {.base_sequence = 0});
    Settle({&a, &b});
  }

  void GoOnWithTheOldEpoch(fiber::Fiber& self, const Role& role) {
    Piece a = NewPiece(role);
    Piece b = NewPiece(role);
    Piece c = NewPiece(role);
    bool goes_on = Send(self, role, {&a}, {.epoch = 0, .base_sequence = 0}).has_value();
    goes_on = goes_on && Send(self, role, {&b}, {.epoch = 1, .base_sequence = 0}).has_value();
    if (goes_on) Send(self, role, {&c}, {.epoch = 0, .base_sequence = 1});
    Settle({&a, &b, &c});
  }

  void BeginAnEpochInTheMiddle(fiber::Fiber& self, const Role& role) {
    Piece a = NewPiece(role);
    Piece b = NewPiece(role);
    if (Send(self, role, {&a}, {.epoch = 0, .base_sequence = 0})) {
      Send(self, role, {&b}, {.epoch = 1, .base_sequence = 3});
    }
    Settle({&a, &b});
  }

  // A broker that knows nothing of a producer lets it begin anywhere, but not before that afterwards.
  void SendInTheWrongOrder(fiber::Fiber& self, Role role) {
    role.keeps_order = false;
    Piece a = NewPiece(role);
    Piece b = NewPiece(role);
    if (Send(self, role, {&b}, {.base_sequence = 1})) Send(self, role, {&a}, {.base_sequence = 0});
    Settle({&a, &b});
  }

  void SendDamaged(fiber::Fiber& self, const Role& role) {
    Piece a = NewPiece(role);
    Send(self, role, {&a}, {.base_sequence = 0, .damage = Damage::kFlippedByte});
    Settle({&a});
  }

  // The same request of a session twice: the second one is out of turn.
  void RepeatFetch(fiber::Fiber& self) {
    protocol::FetchRequest request;
    request.max_bytes = 1;
    request.session_epoch = 0;
    for (const TargetTopic& target : work_.options_.topics) {
      auto& topic = request.topics.emplace_back();
      topic.topic = target.name;
      for (int32_t i = 0; i < target.partition_count; ++i) {
        auto& partition = topic.partitions.emplace_back();
        partition.partition = i;
        partition.partition_max_bytes = 1;
      }
    }
    const std::optional<protocol::FetchResponse> opened = Fetch(self, request);
    if (!opened || opened->error_code != 0 || opened->session_id == 0) return;
    request.session_id = opened->session_id;
    request.session_epoch = 1;
    request.topics.clear();
    const std::optional<protocol::FetchResponse> second = Fetch(self, request);
    if (!second || second->error_code != 0) return;
    history::Refusal refusal{.span = {.invoked_ns = work_.recorder_.NowNanos()},
                             .client = work_.options_.client,
                             .what = fmt::format("fetch session {} epoch 1 again", request.session_id)};
    const std::optional<protocol::FetchResponse> third = Fetch(self, request);
    if (!third) return;
    refusal.error = third->error_code;
    work_.recorder_.Add(std::move(refusal));
  }

  // In a leader epoch that nobody has begun: at once, and in a session that was opened without one.
  void FetchInAnotherEpoch(fiber::Fiber& self) {
    protocol::FetchRequest request;
    request.max_bytes = 1;
    auto& topic = request.topics.emplace_back();
    topic.topic = work_.options_.topics.front().name;
    auto& partition = topic.partitions.emplace_back();
    partition.partition_max_bytes = 1;
    partition.current_leader_epoch = kEpochOfNobody;
    MustBeRefused(self, request, "a fetch in a leader epoch of nobody");
    partition.current_leader_epoch = -1;
    request.session_epoch = 0;
    const std::optional<protocol::FetchResponse> opened = Fetch(self, request);
    if (!opened || opened->error_code != 0 || opened->session_id == 0) return;
    partition.current_leader_epoch = kEpochOfNobody;
    request.session_id = opened->session_id;
    request.session_epoch = 1;
    MustBeRefused(self, request, "a fetch in a leader epoch of nobody, in a session");
  }

  // `request` names one partition.
  void MustBeRefused(fiber::Fiber& self, const protocol::FetchRequest& request, std::string what) {
    history::Refusal refusal{
        .span = {.invoked_ns = work_.recorder_.NowNanos()}, .client = work_.options_.client, .what = std::move(what)};
    const std::optional<protocol::FetchResponse> answer = Fetch(self, request);
    if (!answer) return;
    refusal.error = answer->error_code;
    for (const auto& topic : answer->responses) {
      for (const auto& partition : topic.partitions) refusal.error = partition.error_code;
    }
    work_.recorder_.Add(std::move(refusal));
  }

  // Just above what is visible: something may be there already.
  void FetchBeyond(fiber::Fiber& self) {
    protocol::FetchRequest request;
    request.max_bytes = 1;
    auto& topic = request.topics.emplace_back();
    topic.topic = work_.options_.topics.front().name;
    topic.partitions.emplace_back().partition_max_bytes = 1;
    for (int i = 0; i < kFetchesBeyond; ++i) {
      const std::optional<protocol::FetchResponse> answer = Fetch(self, request);
      if (!answer || answer->responses.size() != 1 || answer->responses[0].partitions.size() != 1) return;
      const int64_t high_watermark = answer->responses[0].partitions[0].high_watermark;
      const int64_t above = Draw(env_, Between<int64_t>{1, 3});
      topic.partitions[0].fetch_offset = std::max<int64_t>(high_watermark, 0) + above;
    }
  }

  std::optional<protocol::FetchResponse> Fetch(fiber::Fiber& self, const protocol::FetchRequest& request) {
    const int16_t version =
        connection_->PickVersion(protocol::ApiKey::kFetch, {protocol::FetchRequest::kMinVersion, kFetchVersionMax});
    history::FetchShape shape{.span = {.invoked_ns = work_.recorder_.NowNanos()}, .client = work_.options_.client};
    auto result = connection_->Call<protocol::FetchRequest, protocol::FetchResponse>(self, request, version);
    if (!result.ok()) return std::nullopt;
    std::set<std::pair<std::string, int32_t>> named;
    for (const auto& topic : result.response.responses) {
      for (const auto& partition : topic.partitions) {
        ++shape.named_count;
        named.emplace(topic.topic, partition.partition_index);
      }
    }
    shape.distinct_count = static_cast<int32_t>(named.size());
    work_.recorder_.Add(shape);
    return std::move(result.response);
  }

  StrangerWorkload& work_;
  env::Env& env_;
  std::shared_ptr<net::ClientConnection> connection_;
};

StrangerWorkload::StrangerWorkload(const StrangerWorkloadOptions& options, Recorder& recorder)
    : options_(options), recorder_(recorder) {
  REQUIRES(!options_.topics.empty());
}

sim::Program StrangerWorkload::program() {
  return [this](std::span<env::Env* const> shards) { return std::make_unique<Process>(*this, *shards[0]); };
}

std::string StrangerWorkload::Progress() const {
  return fmt::format("stranger {}: {} acts", options_.client, act_count_);
}

}  // namespace odradek::workload
