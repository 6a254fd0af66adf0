#include "engine/storage/file_names.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "engine/base/check.h"

namespace odradek::storage {
namespace {

constexpr size_t kOffsetDigits = 20;
constexpr size_t kFolderNameBytesMax = 255;
constexpr size_t kUuidHexDigits = 32;

constexpr std::array<std::pair<SegmentFileKind, std::string_view>, 5> kKindNames{{
    {SegmentFileKind::kLog, ".log"},
    {SegmentFileKind::kOffsetIndex, ".index"},
    {SegmentFileKind::kTimeIndex, ".timeindex"},
    {SegmentFileKind::kTxnIndex, ".txnindex"},
    {SegmentFileKind::kProducerSnapshot, ".snapshot"},
}};

constexpr std::array<std::pair<FileSuffix, std::string_view>, 4> kSuffixNames{{
    {FileSuffix::kDeleted, ".deleted"},
    {FileSuffix::kCleaned, ".cleaned"},
    {FileSuffix::kSwap, ".swap"},
    {FileSuffix::kTmp, kTmpSuffix},
}};

constexpr std::array<std::pair<FolderKind, std::string_view>, 3> kFolderMarks{{
    {FolderKind::kDelete, "-delete"},
    {FolderKind::kStray, "-stray"},
    {FolderKind::kFuture, "-future"},
}};

template <typename T>
std::optional<T> ParseDecimal(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || text[0] == '-') return std::nullopt;
  return value;
}

std::optional<TopicPartition> ParsePartition(std::string_view name) {
  const size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const auto index = ParseDecimal<int32_t>(name.substr(dash + 1));
  if (!index) return std::nullopt;
  return TopicPartition{std::string(name.substr(0, dash)), PartitionIndex(*index)};
}

}  // namespace

std::string ToString(const SegmentFileName& name) {
  std::string out = fmt::format("{:020}", name.base_offset.value());
  for (const auto& [kind, text] : kKindNames) {
    if (kind == name.kind) out += text;
  }
  for (const auto& [suffix, text] : kSuffixNames) {
    if (suffix == name.suffix) out += text;
  }
  return out;
}

std::optional<SegmentFileName> ParseSegmentFileName(std::string_view name) {
  SegmentFileName parsed;
  for (const auto& [suffix, text] : kSuffixNames) {
    if (name.ends_with(text)) {
      parsed.suffix = suffix;
      name.remove_suffix(text.size());
      break;
    }
  }
  if (name.size() <= kOffsetDigits) return std::nullopt;
  const auto offset = ParseDecimal<int64_t>(name.substr(0, kOffsetDigits));
  if (!offset) return std::nullopt;
  parsed.base_offset = Offset(*offset);
  for (const auto& [kind, text] : kKindNames) {
    if (name.substr(kOffsetDigits) == text) {
      parsed.kind = kind;
      return parsed;
    }
  }
  return std::nullopt;
}

std::optional<FolderName> ParseFolderName(std::string_view name) {
  for (const auto& [kind, mark] : kFolderMarks) {
    if (!name.ends_with(mark)) continue;
    const std::string_view head = name.substr(0, name.size() - mark.size());
    const size_t dot = head.rfind('.');
    if (dot == std::string_view::npos || head.size() - dot - 1 != kUuidHexDigits) return std::nullopt;
    std::optional<TopicPartition> partition = ParsePartition(head.substr(0, dot));
    // A name that was cut has lost its partition.
    if (!partition) partition = TopicPartition{std::string(head.substr(0, dot)), PartitionIndex(-1)};
    return FolderName{*std::move(partition), kind};
  }
  std::optional<TopicPartition> partition = ParsePartition(name);
  if (!partition) return std::nullopt;
  return FolderName{*std::move(partition), FolderKind::kPartition};
}

std::string MarkedFolderName(const TopicPartition& partition, const Uuid& unique, FolderKind kind) {
  REQUIRES(kind != FolderKind::kPartition);
  std::string_view mark;
  for (const auto& [candidate, text] : kFolderMarks) {
    if (candidate == kind) mark = text;
  }
  const std::string tail = fmt::format(".{:016x}{:016x}{}", unique.high, unique.low, mark);
  std::string head = ToString(partition);
  if (head.size() + tail.size() > kFolderNameBytesMax) head.resize(kFolderNameBytesMax - tail.size());
  return head + tail;
}

std::string Join(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

}  // namespace odradek::storage
