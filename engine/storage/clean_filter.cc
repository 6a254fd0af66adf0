#include "engine/storage/clean_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/check.h"
#include "engine/record/record_iterator.h"
#include "engine/record/retain.h"

namespace odradek::storage {
namespace clean_filter_internal {

bool IsAborted(const record::BatchHeader& header, const CleanRules& rules) {
  if (!header.is_transactional()) return false;
  return std::any_of(rules.aborted.begin(), rules.aborted.end(), [&](const AbortedTxn& txn) {
    return txn.producer_id == header.producer_id && txn.first_offset <= header.base_offset &&
           txn.last_offset >= header.last_offset();
  });
}

class RecordJudge {
 public:
  RecordJudge(const record::BatchHeader& header, const CleanRules& rules, const CleanOffsetMap& map,
              base::Context& context)
      : rules_(rules), map_(map), context_(context) {
    if (header.has_delete_horizon()) horizon_ = header.base_timestamp;
  }

  bool Stays(const record::RecordView& record) const {
    if (record.offset > map_.latest_offset()) {
      if (MUTATION(context_, CP02)) return false;
      return record.value.has_value() || !MUTATION(context_, CP05);
    }
    if (!record.key) return false;
    const Offset newest = map_.Find(*record.key);
    if (MUTATION(context_, CP03)) return newest == kNoOffset || record.offset < newest;
    if (record.offset < newest) return false;
    return record.value.has_value() || !TombstoneMayGo();
  }

 private:
  bool TombstoneMayGo() const {
    if (MUTATION(context_, CP04)) return true;
    return horizon_ && rules_.now >= *horizon_;
  }

  const CleanRules& rules_;
  const CleanOffsetMap& map_;
  base::Context& context_;
  std::optional<Timestamp> horizon_;
};

bool MustStay(const record::BatchHeader& header, const CleanRules& rules, PlaceInSegment place,
              base::Context& context) {
  if (place == PlaceInSegment::kLast && !MUTATION(context, CP13)) return true;
  if (!header.has_producer_id() || MUTATION(context, CP12)) return false;
  const auto last = rules.last_offsets.find(header.producer_id);
  return last != rules.last_offsets.end() && last->second == header.last_offset();
}

std::string ProblemAt(const record::BatchHeader& header, std::string_view what) {
  return fmt::format("batch at offset {}: {}", header.base_offset.value(), what);
}

}  // namespace clean_filter_internal

std::map<ProducerId, Offset> LastOffsetsOf(const producers::ProducerStates& states) {
  std::map<ProducerId, Offset> last;
  for (const auto& [id, entry] : states.entries()) {
    last[id] = entry.window.empty() ? kNoOffset : entry.window.back().last_offset;
  }
  return last;
}

Mapped MapBatch(const record::BatchHeader& header, Bytes batch, const CleanRules& rules, Offset from,
                CleanOffsetMap& map, base::Context& context) {
  if (header.last_offset() < from) return Mapped::kWhole;
  if (!record::CheckCrc(batch)) return Mapped::kProblem;
  const bool is_aborted = clean_filter_internal::IsAborted(header, rules);
  if (!header.is_control() && (!is_aborted || MUTATION(context, CP07))) {
    record::RecordIterator records(header, batch);
    record::RecordIterator::Found found = records.Next();
    for (; found == record::RecordIterator::Found::kRecord; found = records.Next()) {
      const record::RecordView& record = records.record();
      if (!record.key || record.offset < from) continue;
      if (map.Put(*record.key, record.offset) == CleanOffsetMap::PutResult::kFull) return Mapped::kFull;
      map.SetLatestOffset(record.offset);
    }
    if (found == record::RecordIterator::Found::kProblem) return Mapped::kProblem;
  }
  map.SetLatestOffset(header.last_offset());
  return Mapped::kWhole;
}

CleanedBatch CleanBatch(const record::BatchHeader& header, Bytes batch, const CleanRules& rules,
                        const CleanOffsetMap& map, PlaceInSegment place, base::Context& context) {
  namespace internal = clean_filter_internal;
  CleanedBatch out;
  if (!record::CheckCrc(batch)) {
    out.fate = BatchFate::kProblem;
    out.problem = internal::ProblemAt(header, "wrong CRC");
    return out;
  }
  if (header.is_control() && place != PlaceInSegment::kLast && MUTATION(context, CP11)) out.fate = BatchFate::kDropped;
  if (header.is_control() || internal::IsAborted(header, rules)) return out;

  const internal::RecordJudge judge(header, rules, map, context);
  std::vector<record::RecordView> kept;
  bool tombstones = false;
  int32_t read_count = 0;
  record::RecordIterator records(header, batch);
  record::RecordIterator::Found found = records.Next();
  for (; found == record::RecordIterator::Found::kRecord; found = records.Next()) {
    ++read_count;
    if (!judge.Stays(records.record())) continue;
    tombstones = tombstones || !records.record().value;
    kept.push_back(records.record());
  }
  if (found == record::RecordIterator::Found::kProblem) {
    out.fate = BatchFate::kProblem;
    out.problem = internal::ProblemAt(header, records.problem().what);
    return out;
  }
  if (kept.empty()) {
    const bool stays = internal::MustStay(header, rules, place, context);
    if (stays && header.record_count == 0) return out;
    out.fate = stays ? BatchFate::kReplaced : BatchFate::kDropped;
    if (stays) out.bytes = record::EmptyBatch(header);
    return out;
  }
  std::optional<Timestamp> horizon;
  if (header.has_delete_horizon()) horizon = header.base_timestamp;
  const bool begins_horizon = tombstones && !horizon && header.last_offset() <= map.latest_offset();
  if (begins_horizon) horizon = Timestamp(rules.now.value() + rules.delete_retention.millis());
  if (static_cast<int32_t>(kept.size()) == read_count && !begins_horizon) return out;
  out.fate = BatchFate::kReplaced;
  out.bytes = record::RetainRecords(header, {.records = kept, .delete_horizon = horizon});
  return out;
}

}  // namespace odradek::storage
