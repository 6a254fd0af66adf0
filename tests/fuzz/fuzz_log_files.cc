// Damage to the files of a log: the input changes files of a log of several segments (bytes over, cut, added, removed;
// the CRCs of batches and snapshots made right, if it says so), and the log is opened. It opens or says why not; what
// it then has is read to the end, appended to and closed. Nothing is asserted of what survives: that is the crash
// loops' work.
//
// An input is a byte of flags and then edits: file, what, position, size (two bytes each), as many bytes.
#include <algorithm>

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
enum class What : uint16_t { kOverwrite, kCut, kAppend, kRemove };
constexpr uint16_t kWhatCount = 4;

uint16_t TakeNumber(Bytes& input) {
  const auto number = LoadBigEndian<uint16_t>(input.data());
  input = input.subspan(sizeof(number));
  return number;
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
  ByteBuffer& content = file->second;
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

void Put(const FileContents& files, sim::DiskModel& disk) {
  disk.CreateDirectory("data");
  disk.CreateDirectory(kLogFolder);
  for (const auto& [path, content] : files) {
    const auto opened = disk.Open(path, env::OpenMode::kCreateNew);
    INVARIANT(opened.error == env::DiskError::kNone);
    disk.Write(*opened.file, content, 0);
    disk.Close(opened.file);
  }
}

}  // namespace

// No damage; and for each file one that replaces it by itself, so that a change of the input is a change of the file.
std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const uint16_t flags : {0, 1, 2, 3}) {
    ByteBuffer head;
    AppendBigEndian<uint16_t>(head, flags);
    seeds.emplace_back(AsString(head));
    uint16_t index = 0;
    for (const auto& [path, content] : Template(flags)) {
      ByteBuffer input = head;
      AppendBigEndian<uint16_t>(input, index++);
      AppendBigEndian<uint16_t>(input, static_cast<uint16_t>(What::kOverwrite));
      AppendBigEndian<uint16_t>(input, 0);
      AppendBigEndian<uint16_t>(input, static_cast<uint16_t>(content.size()));
      AppendBytes(input, content);
      seeds.emplace_back(AsString(input));
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  if (input.size() < sizeof(uint16_t)) return false;
  const uint16_t flags = TakeNumber(input);
  FileContents files = Template(flags);
  for (int i = 0; i < kEditsMax && input.size() >= kEditHeaderBytes; ++i) Edit(input, files);
  if ((flags & kRepairCrcs) != 0) {
    for (auto& [path, content] : files) {
      if (path.ends_with(".log")) RepairBatches(content);
      if (path.ends_with(".snapshot")) RepairSnapshot(content);
    }
  }
  storage::TestMachine machine;
  Put(files, machine.model);
  {
    LogLife life(machine);
    if (!life.is_open()) return false;
    life.ReadAll();
    life.Append({.values = {"after the damage"}});
    life.ReadAll();
    life.Close();
  }
  machine.Kill();
  LogLife again(machine);
  if (again.is_open()) again.ReadAll();
  return true;
}

}  // namespace odradek::fuzz
