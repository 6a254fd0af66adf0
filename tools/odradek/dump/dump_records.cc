#include <optional>

#include "engine/protocol/metadata_record.h"
#include "engine/protocol/reader.h"
#include "engine/record/control.h"
#include "engine/record/record_iterator.h"
#include "tools/odradek/dump/dumpers.h"
#include "tools/odradek/dump/generated/record_json.h"

namespace odradek::tool {
namespace {

int64_t SizeOf(const std::optional<Bytes>& field) {
  return field ? static_cast<int64_t>(field->size()) : -1;
}

// "REGISTER_BROKER_RECORD" of RegisterBrokerRecord.
std::string UpperName(std::string_view name) {
  std::string upper;
  for (const char c : name) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper && !upper.empty()) upper += '_';
    upper += is_upper ? c : static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

std::string MetadataJson(const protocol::VersionedMetadataRecord& decoded) {
  JsonOut out(decoded.version);
  std::visit([&out](const auto& record) { out.Value(record); }, decoded.record);
  return fmt::format("{{\"type\":\"{}\",\"version\":{},\"data\":{}}}", UpperName(protocol::NameOf(decoded.record)),
                     decoded.version, out.text());
}

// The value of a control record as JSON; its first field is its version. Empty: `problem` says why.
template <typename Record>
std::string ControlJson(Bytes value, std::string& problem) {
  protocol::Reader reader(value);
  Record decoded;
  if (value.size() < sizeof(int16_t)) {
    problem = "a control record without a version";
    return {};
  }
  const auto version = LoadBigEndian<int16_t>(value.data());
  if (!protocol::DecodeWhole(reader, version, decoded)) {
    problem = reader.error().ToString();
    return {};
  }
  JsonOut out(version);
  out.Value(decoded);
  return out.text();
}

std::string EndTxnText(std::string_view type, Bytes value, std::string& problem) {
  constexpr size_t kCoordinatorEpochAt = sizeof(int16_t);
  if (value.size() < kCoordinatorEpochAt + sizeof(int32_t)) {
    problem = fmt::format("a marker of {} bytes", value.size());
    return {};
  }
  return fmt::format(" endTxnMarker: {} coordinatorEpoch: {}", type,
                     LoadBigEndian<int32_t>(value.data() + kCoordinatorEpochAt));
}

std::string ControlText(const record::RecordView& view, std::string& problem) {
  const std::optional<record::ControlKey> key = record::ParseControlKey(view.key.value_or(Bytes()));
  if (!key) {
    problem = "a control record without a key";
    return {};
  }
  const Bytes value = view.value.value_or(Bytes());
  switch (static_cast<record::ControlType>(key->type)) {
    case record::ControlType::kAbort:
      return EndTxnText("ABORT", value, problem);
    case record::ControlType::kCommit:
      return EndTxnText("COMMIT", value, problem);
    case record::ControlType::kLeaderChange:
      return " LeaderChange: " + ControlJson<protocol::LeaderChangeMessage>(value, problem);
    case record::ControlType::kSnapshotHeader:
      return " SnapshotHeader " + ControlJson<protocol::SnapshotHeaderRecord>(value, problem);
    case record::ControlType::kSnapshotFooter:
      return " SnapshotFooter " + ControlJson<protocol::SnapshotFooterRecord>(value, problem);
    case record::ControlType::kKraftVersion:
      return " KRaftVersion " + ControlJson<protocol::KRaftVersionRecord>(value, problem);
    case record::ControlType::kKraftVoters:
      return " KRaftVoters " + ControlJson<protocol::VotersRecord>(value, problem);
  }
  return fmt::format(" controlType: UNKNOWN({})", key->type);
}

std::string DataText(const record::RecordView& view, const DumpOptions& options, std::string& problem) {
  std::string text;
  if (options.decoder == ValueDecoder::kClusterMetadata) {
    protocol::Reader reader(view.value.value_or(Bytes()));
    protocol::VersionedMetadataRecord decoded;
    if (protocol::DecodeMetadataRecord(reader, decoded)) return " payload: " + MetadataJson(decoded);
    problem = "no metadata record: " + reader.error().ToString();
    return {};
  }
  if (view.key) text.append(" key: ").append(AsString(*view.key));
  if (view.value) text.append(" payload: ").append(AsString(*view.value));
  return text;
}

std::string MetadataText(const record::BatchHeader& header, const record::RecordView& view) {
  std::string keys;
  record::RecordHeaders headers = view.headers;
  while (const std::optional<record::RecordHeader> one = headers.Next()) {
    if (!keys.empty()) keys += ',';
    keys += one->key;
  }
  return fmt::format(" offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]", view.offset.value(),
                     TimestampName(header.timestamp_type()), view.timestamp.value(), SizeOf(view.key),
                     SizeOf(view.value), view.sequence, keys);
}

}  // namespace

void DumpRecords(const BatchPlace& place, const record::BatchHeader& header, Bytes batch, const DumpOptions& options,
                 DumpReport& report) {
  record::RecordIterator records(header, batch);
  record::RecordIterator::Found found = record::RecordIterator::Found::kEnd;
  while ((found = records.Next()) == record::RecordIterator::Found::kRecord) {
    const record::RecordView& view = records.record();
    std::string problem;
    std::string line = "|";
    if (options.record_metadata == RecordMetadata::kPrint) line += MetadataText(header, view);
    if (header.is_control()) {
      line += ControlText(view, problem);
    } else if (options.detail == LogDetail::kData) {
      line += DataText(view, options, problem);
    }
    line += '\n';
    report.Text(line);
    if (!problem.empty()) {
      report.Problem(place.path, place.position, fmt::format("record at offset {}: {}", view.offset.value(), problem));
    }
  }
  if (found != record::RecordIterator::Found::kProblem) return;
  const record::BatchProblem& wrong = records.problem();
  report.Problem(
      place.path, place.position,
      fmt::format("the batch at offset {}, its byte {}: {}", header.base_offset.value(), wrong.at_byte, wrong.what));
}

}  // namespace odradek::tool
