#include <optional>
#include <vector>

#include "tools/odradek/dump/dumpers.h"
#include "tools/odradek/dump/log_file.h"

namespace odradek::tool {
namespace {

constexpr int64_t kOffsetEntryBytes = 8;
constexpr int64_t kTimeEntryBytes = 12;
constexpr int64_t kTxnEntryBytes = 34;
// More entries than an index of the largest allowed size has are read in pieces.
constexpr int64_t kPieceEntries = 4096;

// Walks the entries of an index; they have a fixed size.
class EntryReader {
 public:
  EntryReader(InputFile& file, int64_t entry_bytes) : file_(file), entry_bytes_(entry_bytes) {}

  // Null: no whole entry is left, or the file cannot be read.
  const std::byte* Next() {
    if (at_in_piece_ == piece_.size()) {
      const int64_t left_bytes = file_.size_bytes() - next_;
      const int64_t count = std::min(left_bytes / entry_bytes_, kPieceEntries);
      if (count <= 0 || !file_.ReadAt(next_, count * entry_bytes_, piece_)) return nullptr;
      at_in_piece_ = 0;
    }
    const std::byte* entry = piece_.data() + at_in_piece_;
    at_in_piece_ += static_cast<size_t>(entry_bytes_);
    at_byte_ = next_;
    next_ += entry_bytes_;
    return entry;
  }
  // Where the last entry stands.
  int64_t at_byte() const { return at_byte_; }
  bool is_first() const { return at_byte_ == 0; }

  void ReportRest(DumpReport& report) const {
    if (!file_.error().empty()) report.Problem(file_.path(), next_, file_.error());
    const int64_t part_bytes = file_.size_bytes() % entry_bytes_;
    if (part_bytes == 0) return;
    report.Problem(file_.path(), file_.size_bytes() - part_bytes,
                   fmt::format("{} bytes behind the last entry of {} bytes", part_bytes, entry_bytes_));
  }

 private:
  InputFile& file_;
  const int64_t entry_bytes_;
  ByteBuffer piece_;
  size_t at_in_piece_ = 0;
  int64_t next_ = 0;
  int64_t at_byte_ = 0;
};

// "…/00000000000000000000.log" of "…/00000000000000000000.index" or "….index.deleted".
std::string LogPathOf(const std::string& path) {
  const size_t name_at = path.size() - NameOf(path).size();
  const size_t dot = path.find('.', name_at);
  std::string log_path = path.substr(0, dot) + ".log";
  const size_t second_dot = path.find('.', dot + 1);
  if (second_dot != std::string::npos) log_path += path.substr(second_dot);
  return log_path;
}

// The segment that an index belongs to. Without one nothing is compared, and that is a problem of its own.
class Segment {
 public:
  Segment(const std::string& index_path, IndexCheck check, DumpReport& report)
      : wanted_(check != IndexCheck::kSanityOnly), file_(LogPathOf(index_path)), log_(file_) {
    if (!wanted_ || file_.error().empty()) return;
    report.Problem(index_path, fmt::format("is not compared with its log: {} {}", file_.path(), file_.error()));
  }
  bool is_there() const { return wanted_ && file_.error().empty(); }
  LogFile& log() { return log_; }

 private:
  const bool wanted_;
  InputFile file_;
  LogFile log_;
};

struct OffsetEntry {
  Offset offset;
  int64_t position = 0;
};

// Empty: the log has at that position a batch which ends with that offset.
std::string CompareWithLog(const OffsetEntry& entry, const DumpOptions& options, LogFile& log) {
  if (entry.position < 0) return fmt::format("position {}", entry.position);
  const LogFile::Found found = log.ReadAt(entry.position);
  if (found == LogFile::Found::kEnd) return fmt::format("the log ends before position {}", entry.position);
  if (found != LogFile::Found::kBatch) return fmt::format("the log has no batch at position {}", entry.position);
  if (log.header().size_bytes > options.message_bytes_max || log.header().last_offset() == entry.offset) return {};
  return fmt::format("the batch at position {} ends with offset {}", entry.position,
                     log.header().last_offset().value());
}

struct TimeEntry {
  Timestamp timestamp;
  Offset offset;
};

// Goes forward through a log along with the rising offsets of a time index.
class TimeComparison {
 public:
  explicit TimeComparison(LogFile& log) : log_(log) {}

  // Empty: the batch with that offset has that largest timestamp.
  std::string Compare(const TimeEntry& entry) {
    while (!is_found_ || log_.header().last_offset() < entry.offset) {
      if (is_found_) position_ += log_.header().size_bytes;
      is_found_ = false;
      if (log_.ReadAt(position_) != LogFile::Found::kBatch) return "the log has no batch with this offset";
      is_found_ = true;
    }
    const record::BatchHeader& header = log_.header();
    if (header.base_offset > entry.offset) return "the log has no batch with this offset";
    if (header.max_timestamp == entry.timestamp) return {};
    return fmt::format("the batch with this offset has the largest timestamp {}", header.max_timestamp.value());
  }

 private:
  LogFile& log_;
  int64_t position_ = 0;
  bool is_found_ = false;
};

void PrintSanity(const InputFile& file, int64_t problems_before, const DumpOptions& options, DumpReport& report) {
  if (options.index_check != IndexCheck::kSanityOnly || report.problem_count() != problems_before) return;
  report.Print("{} passed sanity check.\n", file.path());
}

}  // namespace

void DumpOffsetIndex(InputFile& file, Offset base_offset, const DumpOptions& options, DumpReport& report) {
  const int64_t problems_before = report.problem_count();
  if (file.size_bytes() == 0) report.Print("{} is empty.\n", file.path());
  Segment segment(file.path(), options.index_check, report);
  EntryReader entries(file, kOffsetEntryBytes);
  OffsetEntry last;
  while (const std::byte* bytes = entries.Next()) {
    const OffsetEntry entry = {base_offset + LoadBigEndian<int32_t>(bytes), LoadBigEndian<int32_t>(bytes + 4)};
    // Zeros: space that was reserved and never written, or lost in a crash.
    if (!entries.is_first() && entry.offset == base_offset && entry.position == 0) break;
    if (options.index_check == IndexCheck::kPrint) {
      report.Print("offset: {} position: {}\n", entry.offset.value(), entry.position);
    }
    const std::string label = fmt::format("offset {}", entry.offset.value());
    if (entry.offset < base_offset || (!entries.is_first() && entry.offset <= last.offset)) {
      report.Problem(file.path(), entries.at_byte(), label + " does not rise");
    }
    if (!entries.is_first() && entry.position < last.position) {
      report.Problem(file.path(), entries.at_byte(), fmt::format("{}: position {} falls", label, entry.position));
    }
    last = entry;
    if (!segment.is_there()) continue;
    const std::string difference = CompareWithLog(entry, options, segment.log());
    if (!difference.empty()) report.Problem(file.path(), entries.at_byte(), fmt::format("{}: {}", label, difference));
  }
  entries.ReportRest(report);
  PrintSanity(file, problems_before, options, report);
}

void DumpTimeIndex(InputFile& file, Offset base_offset, const DumpOptions& options, DumpReport& report) {
  const int64_t problems_before = report.problem_count();
  if (file.size_bytes() == 0) report.Print("{} is empty.\n", file.path());
  Segment segment(file.path(), options.index_check, report);
  TimeComparison comparison(segment.log());
  EntryReader entries(file, kTimeEntryBytes);
  TimeEntry last;
  while (const std::byte* bytes = entries.Next()) {
    const TimeEntry entry = {Timestamp(LoadBigEndian<int64_t>(bytes)),
                             base_offset + LoadBigEndian<int32_t>(bytes + sizeof(int64_t))};
    if (!entries.is_first() && entry.timestamp == Timestamp(0) && entry.offset == base_offset) break;
    if (options.index_check == IndexCheck::kPrint) {
      report.Print("timestamp: {} offset: {}\n", entry.timestamp.value(), entry.offset.value());
    }
    const std::string label = fmt::format("timestamp {} offset {}", entry.timestamp.value(), entry.offset.value());
    const bool rises = entries.is_first() || entry.timestamp > last.timestamp;
    if (!rises) report.Problem(file.path(), entries.at_byte(), label + ": the timestamp does not rise");
    const bool offset_fits = entry.offset >= base_offset && (entries.is_first() || entry.offset >= last.offset);
    if (!offset_fits) report.Problem(file.path(), entries.at_byte(), label + ": the offset falls");
    last = entry;
    if (!segment.is_there() || !offset_fits) continue;
    const std::string difference = comparison.Compare(entry);
    if (!difference.empty()) report.Problem(file.path(), entries.at_byte(), fmt::format("{}: {}", label, difference));
  }
  entries.ReportRest(report);
  PrintSanity(file, problems_before, options, report);
}

void DumpTxnIndex(InputFile& file, DumpReport& report) {
  constexpr int16_t kTxnVersion = 0;
  EntryReader entries(file, kTxnEntryBytes);
  Offset last_end = kNoOffset;
  while (const std::byte* p = entries.Next()) {
    const auto version = LoadBigEndian<int16_t>(p);
    const auto producer_id = LoadBigEndian<int64_t>(p + 2);
    const Offset first(LoadBigEndian<int64_t>(p + 10));
    const Offset end(LoadBigEndian<int64_t>(p + 18));
    const Offset stable(LoadBigEndian<int64_t>(p + 26));
    report.Print("version: {} producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}\n", version,
                 producer_id, first.value(), end.value(), stable.value());
    if (version != kTxnVersion)
      report.Problem(file.path(), entries.at_byte(), fmt::format("version {}, {} expected", version, kTxnVersion));
    if (first > end) report.Problem(file.path(), entries.at_byte(), "the first offset is above the last");
    if (end <= last_end) report.Problem(file.path(), entries.at_byte(), "the last offset does not rise");
    last_end = end;
  }
  entries.ReportRest(report);
}

}  // namespace odradek::tool
