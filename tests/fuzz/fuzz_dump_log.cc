// Arbitrary bytes as each of the files that `odradek dump-log` prints: it ends, and what it cannot read it reports.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "engine/metadata/batches.h"
#include "engine/protocol/generated/metadata_record_types.h"
#include "engine/storage/checkpoints.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/log_template.h"
#include "tools/odradek/dump/dump.h"

namespace odradek::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNames[] = {"00000000000000000000.log",
                                       "00000000000000000000.index",
                                       "00000000000000000000.timeindex",
                                       "00000000000000000000.txnindex",
                                       "00000000000000000012.snapshot",
                                       "leader-epoch-checkpoint",
                                       "replication-offset-checkpoint",
                                       "partition.metadata",
                                       "00000000000000000009-0000000001.checkpoint"};

// In memory; the first segment of a log is beside the file, for what is compared with it.
class Folder {
 public:
  Folder() : path_(fs::path("/dev/shm") / ("odradek-fuzz-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string Write(std::string_view name, Bytes content) const {
    const fs::path file = path_ / name;
    std::ofstream out(file, std::ios::binary);
    out << AsString(content);
    INVARIANT(out.flush().good());
    return file.string();
  }

 private:
  const fs::path path_;
};

ByteBuffer MetadataBatch() {
  protocol::FeatureLevelRecord level;
  level.name = metadata::kMetadataVersionFeature;
  level.feature_level = metadata::kMetadataVersionMax.value();
  const metadata::Record records[] = {level, protocol::TopicRecord(), protocol::PartitionRecord()};
  return metadata::EncodeBatches(records, {}).front();
}

const ByteBuffer& FirstSegment() {
  static const ByteBuffer kSegment =
      *WriteLog(LogEnd::kClosed).at(std::string(kLogFolder) + "/" + std::string(kNames[0]));
  return kSegment;
}

tool::DumpOptions Options(size_t variant) {
  tool::DumpOptions options;
  options.detail = static_cast<tool::LogDetail>(variant % 3);
  options.index_check = static_cast<tool::IndexCheck>(variant % 3);
  options.decoder = static_cast<tool::ValueDecoder>(variant / 3 % 2);
  return options;
}

// Two bytes in front: which file, which options.
std::string FileSeed(size_t name, size_t variant, std::string_view content) {
  return Seed(name, Seed(variant, content));
}

}  // namespace

std::vector<std::string> Seeds() {
  ByteBuffer txn_index;
  AppendBigEndian<int16_t>(txn_index, 0);
  for (const int64_t number : {7, 10, 20, 15}) AppendBigEndian<int64_t>(txn_index, number);
  storage::OffsetCheckpoint offsets;
  offsets[{"topic", PartitionIndex(3)}] = Offset(17);
  std::vector<std::string> seeds = {
      FileSeed(3, 0, AsString(txn_index)),
      FileSeed(5, 0, storage::FormatEpochCheckpoint({{LeaderEpoch(0), Offset(0)}, {LeaderEpoch(4), Offset(9)}})),
      FileSeed(6, 0, storage::FormatOffsetCheckpoint(offsets)),
      FileSeed(7, 0, storage::FormatPartitionMetadata(Uuid::FromRandom(1, 2)))};
  for (size_t variant = 3; variant < 6; ++variant) {
    seeds.push_back(FileSeed(0, variant, AsString(MetadataBatch())));
    seeds.push_back(FileSeed(8, variant, AsString(MetadataBatch())));
  }
  for (const auto& [path, content] : WriteLog(LogEnd::kClosed)) {
    for (size_t name = 0; name < std::size(kNames); ++name) {
      if (!path.ends_with(kNames[name])) continue;
      for (size_t variant = 0; variant < 3; ++variant) seeds.push_back(FileSeed(name, variant, AsString(*content)));
    }
  }
  return seeds;
}

bool Understands(Bytes input) {
  static const Folder kFolder;
  if (input.size() < 2) return false;
  const size_t name = TargetOf(input[0], std::size(kNames));
  if (name != 0) kFolder.Write(kNames[0], FirstSegment());
  const std::string path = kFolder.Write(kNames[name], input.subspan(2));
  std::ostringstream out;
  std::ostringstream errors;
  tool::DumpReport report(out, errors);
  tool::DumpFile(path, Options(static_cast<size_t>(input[1])), report);
  INVARIANT(errors.str().empty() == (report.problem_count() == 0));
  return report.problem_count() == 0;
}

}  // namespace odradek::fuzz
