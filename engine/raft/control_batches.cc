#include "engine/raft/control_batches.h"

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/protocol/generated/control_records.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"
#include "engine/record/builder.h"
#include "engine/record/control.h"
#include "engine/record/record_iterator.h"

namespace odradek::raft {
namespace {

// Every control record of the quorum has one version so far.
constexpr int16_t kRecordVersion = 0;
// Voters with many endpoints are a few KiB; what unpacks to more is no control batch.
constexpr int64_t kControlBytesMax = int64_t{1} << 20;

template <typename Message>
void AppendRecord(record::BatchBuilder& builder, record::ControlType type, const Message& message, Timestamp now) {
  ByteBuffer key;
  AppendBigEndian<int16_t>(key, record::kControlKeyVersion);
  AppendBigEndian<int16_t>(key, static_cast<int16_t>(type));
  protocol::Writer writer;
  message.Encode(writer, kRecordVersion);
  INVARIANT(!writer.error());
  const ByteBuffer value = writer.Take();
  builder.Append({.timestamp = now, .key = Bytes(key), .value = Bytes(value)});
}

std::vector<protocol::LeaderChangeMessage::Voter> VotersOf(const std::vector<NodeId>& ids) {
  std::vector<protocol::LeaderChangeMessage::Voter> voters;
  for (const NodeId id : ids) {
    protocol::LeaderChangeMessage::Voter voter;
    voter.voter_id = id.value();
    voters.push_back(voter);
  }
  return voters;
}

template <typename Message>
std::optional<Message> Decode(const std::optional<Bytes>& value) {
  if (!value) return std::nullopt;
  protocol::Reader reader(*value);
  Message message;
  if (!protocol::DecodeWhole(reader, kRecordVersion, message)) return std::nullopt;
  return message;
}

// What one control record says; false: it is damaged.
bool ReadControl(const record::RecordView& record, BatchFacts& facts) {
  const std::optional<record::ControlKey> key = record.key ? record::ParseControlKey(*record.key) : std::nullopt;
  if (!key) return false;
  if (key->Is(record::ControlType::kKraftVersion)) {
    const auto message = Decode<protocol::KRaftVersionRecord>(record.value);
    if (!message) return false;
    facts.kraft_version = message->kraft_version;
    facts.kraft_version_offset = record.offset;
  } else if (key->Is(record::ControlType::kKraftVoters)) {
    const auto message = Decode<protocol::VotersRecord>(record.value);
    if (!message) return false;
    facts.voters = FromRecord(*message);
    facts.voters_offset = record.offset;
    return facts.voters.has_value();
  }
  return true;
}

std::string ReadControls(const record::BatchHeader& header, Bytes batch, BatchFacts& facts) {
  record::RecordIterator records(header, batch, {.output_bytes_max = kControlBytesMax});
  while (true) {
    switch (records.Next()) {
      case record::RecordIterator::Found::kEnd:
        return {};
      case record::RecordIterator::Found::kProblem:
        return records.problem().what;
      case record::RecordIterator::Found::kRecord:
        if (!ReadControl(records.record(), facts)) {
          return fmt::format("control record at offset {} is damaged", records.record().offset.value());
        }
    }
  }
}

bool EndsWithFooter(const record::BatchHeader& header, Bytes batch) {
  if (!header.is_control()) return false;
  record::RecordIterator records(header, batch, {.output_bytes_max = kControlBytesMax});
  bool is_footer = false;
  while (records.Next() == record::RecordIterator::Found::kRecord) {
    const auto& key = records.record().key;
    const std::optional<record::ControlKey> parsed = key ? record::ParseControlKey(*key) : std::nullopt;
    is_footer = parsed && parsed->Is(record::ControlType::kSnapshotFooter);
  }
  return is_footer;
}

}  // namespace

ByteBuffer EncodeControlBatch(const AppendControl& control, Timestamp now) {
  REQUIRES(control.leader_change || control.kraft_version || control.voters);
  record::BatchBuilder builder({.compression = {},
                                .base_offset = control.base_offset,
                                .leader_epoch = control.epoch,
                                .kind = record::BatchKind::kControl,
                                .log_append_time = std::nullopt});
  if (control.leader_change) {
    protocol::LeaderChangeMessage message;
    message.leader_id = control.leader_change->leader.value();
    message.voters = VotersOf(control.leader_change->voters);
    message.granting_voters = VotersOf(control.leader_change->granting_voters);
    AppendRecord(builder, record::ControlType::kLeaderChange, message, now);
  }
  if (control.kraft_version) {
    protocol::KRaftVersionRecord message;
    message.kraft_version = *control.kraft_version;
    AppendRecord(builder, record::ControlType::kKraftVersion, message, now);
  }
  if (control.voters) AppendRecord(builder, record::ControlType::kKraftVoters, ToRecord(*control.voters), now);
  return builder.Build();
}

ScannedBatches ScanBatches(Bytes bytes) {
  ScannedBatches result;
  record::BatchCursor cursor(bytes);
  size_t whole_bytes = 0;
  for (auto step = cursor.Next(); step.found != record::BatchCursor::Found::kEnd; step = cursor.Next()) {
    if (step.found == record::BatchCursor::Found::kProblem) {
      if (step.problem.error != record::BatchError::kTruncated) result.problem = step.problem.what;
      break;
    }
    if (!record::CheckCrc(step.batch)) {
      result.problem = fmt::format("batch at offset {}: wrong CRC", step.header.base_offset.value());
      break;
    }
    BatchFacts facts;
    facts.base_offset = step.header.base_offset;
    facts.end_offset = step.header.next_offset();
    facts.epoch = step.header.leader_epoch;
    if (step.header.is_control()) result.problem = ReadControls(step.header, step.batch, facts);
    if (!result.problem.empty()) break;
    result.batches.facts.push_back(std::move(facts));
    whole_bytes = static_cast<size_t>(cursor.position_bytes());
  }
  result.batches.bytes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole_bytes));
  return result;
}

std::optional<InstalledSnapshot> ScanSnapshot(Bytes bytes) {
  InstalledSnapshot content;
  record::BatchCursor cursor(bytes);
  bool is_whole = false;
  for (auto step = cursor.Next(); step.found != record::BatchCursor::Found::kEnd; step = cursor.Next()) {
    if (step.found == record::BatchCursor::Found::kProblem || !record::CheckCrc(step.batch)) return std::nullopt;
    BatchFacts facts;
    if (step.header.is_control() && !ReadControls(step.header, step.batch, facts).empty()) return std::nullopt;
    if (facts.voters) content.voters = facts.voters;
    if (facts.kraft_version) content.kraft_version = *facts.kraft_version;
    is_whole = EndsWithFooter(step.header, step.batch);
  }
  if (!is_whole) return std::nullopt;
  return content;
}

}  // namespace odradek::raft
