// Damage to the files of a log: the input changes files of a log of several segments (bytes over, cut, added, removed,
// under the name of a file that was to go or to come; the CRCs of batches and snapshots made right, if it says so) and
// says what the checkpoints claim, and the log is opened. It opens or says why not; what it then has is appended to,
// read to the end and closed, or killed; and if the input says so there is a next life, which finds the same. Nothing
// is asserted of what survives the damage: that is the crash loops' work.
//
// An input is two bytes of flags, what the checkpoints say (a byte each), and then edits: file, what, position, size
// (two bytes each), as many bytes.
#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/crc32c.h"
#include "engine/producers/snapshot.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/log_template.h"

namespace odradek::fuzz {
namespace {

constexpr int kEditsMax = 6;
constexpr size_t kEditHeaderBytes = 8;
constexpr uint16_t kWasKilled = 1;
constexpr uint16_t kRepairCrcs = 2;
constexpr uint16_t kSaysClean = 4;
constexpr uint16_t kRefusesDamage = 8;
// There is a second life; the first one ends by a kill.
constexpr uint16_t kLivesAgain = 16;
constexpr uint16_t kIsKilled = 32;
constexpr uint16_t kFlagsEnd = 64;
constexpr size_t kHeadBytes = 5;
enum class What : uint16_t { kOverwrite, kCut, kAppend, kRemove, kRename };
constexpr uint16_t kWhatCount = 5;
constexpr std::string_view kSuffixes[] = {".swap", ".cleaned", ".deleted", ".tmp"};

uint16_t TakeNumber(Bytes& input) {
  const auto number = LoadBigEndian<uint16_t>(input.data());
  input = input.subspan(sizeof(number));
  return number;
}

// Within the template and a little beyond; what is larger says nothing.
Offset TakeOffset(Bytes& input) {
  const auto number = static_cast<uint8_t>(input[0]);
  input = input.subspan(1);
  return number < 2 * kTemplateRecords ? Offset(number) : kNoOffset;
}

const FileContents& Template(uint16_t flags) {
  static const FileContents kClosed = WriteLog(LogEnd::kClosed);
  static const FileContents kKilled = WriteLog(LogEnd::kKilled);
  return (flags & kWasKilled) != 0 ? kKilled : kClosed;
}

void Edit(Bytes& input, FileContents& files) {
  if (files.empty()) return;
  const auto file = std::next(files.begin(), TakeNumber(input) % files.size());
  const auto what = static_cast<What>(TakeNumber(input) % kWhatCount);
  ByteBuffer& content = *file->second;
  const size_t at = std::min<size_t>(TakeNumber(input), content.size());
  const size_t size_bytes = std::min<size_t>(TakeNumber(input), input.size());
  const Bytes bytes = input.first(size_bytes);
  input = input.subspan(size_bytes);
  switch (what) {
    case What::kOverwrite:
      content.resize(std::max(content.size(), at + bytes.size()));
      std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    case What::kCut:
      content.resize(at);
      break;
    case What::kAppend:
      AppendBytes(content, bytes);
      break;
    case What::kRemove:
      files.erase(file);
      break;
    case What::kRename: {
      auto taken = files.extract(file);
      taken.key() += kSuffixes[at % std::size(kSuffixes)];
      files.insert(std::move(taken));
      break;
    }
  }
}

void RepairBatches(MutableBytes log) {
  while (log.size() >= record::kBatchOverheadBytes) {
    const int64_t size_bytes =
        LoadBigEndian<int32_t>(log.data() + record::kLengthAt) + static_cast<int64_t>(record::kLogOverheadBytes);
    if (size_bytes < static_cast<int64_t>(record::kBatchOverheadBytes)) return;
    if (size_bytes > static_cast<int64_t>(log.size())) return;
    const MutableBytes batch = log.first(static_cast<size_t>(size_bytes));
    StoreBigEndian<uint32_t>(batch.data() + record::kCrcAt, record::ComputeCrc(batch));
    log = log.subspan(batch.size());
  }
}

void RepairSnapshot(MutableBytes snapshot) {
  if (snapshot.size() < producers::kSnapshotHeaderBytes) return;
  const uint32_t crc = base::Crc32c(Bytes(snapshot).subspan(producers::kSnapshotCountAt));
  StoreBigEndian<uint32_t>(snapshot.data() + producers::kSnapshotCrcAt, crc);
}

}  // namespace

// No damage; and for each file one that replaces it by itself, so that a change of the input is a change of the file.
std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (uint16_t flags = 0; flags < kFlagsEnd; ++flags) {
    ByteBuffer head;
    AppendBigEndian<uint16_t>(head, flags);
    // As they are after a clean end, and before the first flush.
    const auto said = static_cast<int8_t>((flags & kSaysClean) != 0 ? kTemplateRecords : -1);
    for (const int8_t offset : {said, int8_t{-1}, int8_t{-1}}) AppendBigEndian<int8_t>(head, offset);
    seeds.emplace_back(AsString(head));
    if (flags >= kSaysClean) continue;
    uint16_t index = 0;
    for (const auto& [path, content] : Template(flags)) {
      ByteBuffer input = head;
      AppendBigEndian<uint16_t>(input, index++);
      AppendBigEndian<uint16_t>(input, static_cast<uint16_t>(What::kOverwrite));
      AppendBigEndian<uint16_t>(input, 0);
      AppendBigEndian<uint16_t>(input, static_cast<uint16_t>(content->size()));
      AppendBytes(input, *content);
      seeds.emplace_back(AsString(input));
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.size() < kHeadBytes) return false;
  const uint16_t flags = TakeNumber(input);
  storage::LogCheckpoints checkpoints;
  checkpoints.recovery_point = TakeOffset(input);
  checkpoints.log_start_offset = TakeOffset(input);
  checkpoints.cleaned_until = TakeOffset(input);
  if ((flags & kSaysClean) != 0) checkpoints.previous_shutdown = env::ShutdownKind::kClean;
  storage::LogConfig config = SmallLogConfig();
  if ((flags & kRefusesDamage) != 0) config.damage = storage::LogConfig::Damage::kRefuseUnlessTorn;
  FileContents files = CopyOf(Template(flags));
  for (int i = 0; i < kEditsMax && input.size() >= kEditHeaderBytes; ++i) Edit(input, files);
  if ((flags & kRepairCrcs) != 0) {
    for (auto& [path, content] : files) {
      if (path.ends_with(".log")) RepairBatches(*content);
      if (path.ends_with(".snapshot")) RepairSnapshot(*content);
    }
  }
  StartWith(std::move(files));
  LogSeen seen;
  {
    LogLife life(config, checkpoints);
    if (!life.is_open()) return false;
    const LogSeen before = life.ReadAll();
    life.Append({.values = {"after the damage"}});
    seen = life.ReadAll();
    INVARIANT(AsString(seen.bytes).starts_with(AsString(before.bytes)));
    if ((flags & kIsKilled) == 0) {
      life.Close();
      checkpoints = {
          .recovery_point = seen.end, .log_start_offset = seen.start, .previous_shutdown = env::ShutdownKind::kClean};
    }
  }
  if ((flags & kLivesAgain) == 0) return true;
  LogLife again(config, checkpoints);
  if (!again.is_open()) return true;
  const LogSeen seen_again = again.ReadAll();
  // What was believed without a look is looked at again after a kill, and may be cut off.
  const bool was_looked_at = checkpoints.recovery_point == kNoOffset || (flags & kIsKilled) == 0;
  if (was_looked_at) INVARIANT(seen_again == seen);
  return true;
}

}  // namespace odradek::fuzz
