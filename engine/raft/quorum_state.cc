#include "engine/raft/quorum_state.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/absl_compat.h"

namespace odradek::raft {
namespace {

absl::Status BadQuorumState(std::string_view what) {
  return base::DataLoss(fmt::format("quorum-state: {}", what));
}

// A whole number of a field; nullopt: missing, another type, or out of 32 bits.
std::optional<int32_t> Int32Field(const nlohmann::json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || !at->is_number_integer()) return std::nullopt;
  // A number above int64's would come out as a negative one.
  if (at->is_number_unsigned() && at->get<uint64_t>() > std::numeric_limits<int32_t>::max()) return std::nullopt;
  const int64_t number = at->get<int64_t>();
  if (number < std::numeric_limits<int32_t>::min() || number > std::numeric_limits<int32_t>::max()) return std::nullopt;
  return static_cast<int32_t>(number);
}

absl::Status ReadVoters(const nlohmann::json& object, QuorumState& state) {
  const auto voters = object.find("currentVoters");
  if (voters == object.end() || !voters->is_array()) return BadQuorumState("no list currentVoters");
  for (const nlohmann::json& voter : *voters) {
    const std::optional<int32_t> id = voter.is_object() ? Int32Field(voter, "voterId") : std::nullopt;
    if (!id) return BadQuorumState("a member of currentVoters has no number voterId");
    state.current_voters.emplace_back(*id);
  }
  return absl::OkStatus();
}

absl::Status ReadVotedDirectory(const nlohmann::json& object, QuorumState& state) {
  const auto directory = object.find("votedDirectoryId");
  if (directory == object.end() || !directory->is_string()) return BadQuorumState("no text votedDirectoryId");
  const std::optional<Uuid> id = Uuid::Parse(directory->get<std::string>());
  if (!id) return BadQuorumState(fmt::format("votedDirectoryId is '{}'", directory->get<std::string>()));
  state.voted_directory_id = *id;
  return absl::OkStatus();
}

}  // namespace

std::string EncodeQuorumState(const QuorumState& state) {
  const int32_t leader = state.leader_id.value();
  const int32_t epoch = state.leader_epoch.value();
  const int32_t voted = state.voted_id.value();
  if (state.version == QuorumStateVersion::kV1) {
    return fmt::format(R"({{"leaderId":{},"leaderEpoch":{},"votedId":{},"votedDirectoryId":"{}","data_version":1}})",
                       leader, epoch, voted, state.voted_directory_id.ToString());
  }
  std::string voters;
  for (const NodeId id : state.current_voters) {
    voters += fmt::format(R"({}{{"voterId":{}}})", voters.empty() ? "" : ",", id.value());
  }
  return fmt::format(
      R"({{"clusterId":"","leaderId":{},"leaderEpoch":{},"votedId":{},"appliedOffset":0,"currentVoters":[{}],)"
      R"("data_version":0}})",
      leader, epoch, voted, voters);
}

absl::StatusOr<QuorumState> DecodeQuorumState(std::string_view text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return BadQuorumState("not a JSON object");
  const std::optional<int32_t> version = Int32Field(object, "data_version");
  if (!version) return BadQuorumState("no number data_version");
  if (*version != 0 && *version != 1) return BadQuorumState(fmt::format("unknown data_version {}", *version));
  QuorumState state;
  state.version = static_cast<QuorumStateVersion>(*version);
  const std::optional<int32_t> leader = Int32Field(object, "leaderId");
  const std::optional<int32_t> epoch = Int32Field(object, "leaderEpoch");
  const std::optional<int32_t> voted = Int32Field(object, "votedId");
  if (!leader || *leader < -1) return BadQuorumState("no valid leaderId");
  if (!epoch || *epoch < 0) return BadQuorumState("no valid leaderEpoch");
  if (!voted || *voted < -1) return BadQuorumState("no valid votedId");
  state.leader_id = NodeId(*leader);
  state.leader_epoch = LeaderEpoch(*epoch);
  state.voted_id = NodeId(*voted);
  const absl::Status rest =
      state.version == QuorumStateVersion::kV0 ? ReadVoters(object, state) : ReadVotedDirectory(object, state);
  if (!rest.ok()) return rest;
  return state;
}

}  // namespace odradek::raft
