#include "engine/storage/torn_write.h"

#include <algorithm>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/record/batch.h"

namespace odradek::storage {

using env::DiskError;

namespace torn_write_internal {

// What a disk writes as a whole or not at all; larger units are multiples of it.
constexpr int64_t kSectorBytes = 512;
// Damage is looked at once, at a start: this bounds memory, and is larger than any batch that is not one of its kind.
constexpr int64_t kLookBytesMax = int64_t{64} << 20;
constexpr std::byte kMagic{record::kMagicV2};

// A whole batch that begins at `at`; its length in bytes, or 0.
int64_t WholeBatchAt(Bytes bytes, size_t at) {
  if (at + record::kBatchOverheadBytes > bytes.size() || bytes[at + record::kMagicAt] != kMagic) return 0;
  const record::HeaderResult parsed = record::ParseHeader(bytes.subspan(at));
  if (!parsed.ok() || parsed.header.size_bytes > static_cast<int64_t>(bytes.size() - at)) return 0;
  const Bytes batch = bytes.subspan(at, static_cast<size_t>(parsed.header.size_bytes));
  return record::CheckCrc(batch) ? parsed.header.size_bytes : 0;
}

// Whether some sector's part of what begins at `position` reads as zeros. A part of a few bytes may be zeros in a whole
// batch too: the doubt is the crash's.
bool HasLostSector(Bytes bytes, int64_t position) {
  const int64_t end = position + static_cast<int64_t>(bytes.size());
  for (int64_t begin = position; begin < end;) {
    const int64_t sector_end = std::min((begin / kSectorBytes + 1) * kSectorBytes, end);
    const Bytes part = bytes.subspan(static_cast<size_t>(begin - position), static_cast<size_t>(sector_end - begin));
    if (std::all_of(part.begin(), part.end(), [](std::byte b) { return b == std::byte{0}; })) return true;
    begin = sector_end;
  }
  return false;
}

// The length field is outside of the checksum: with another one the rest of the file may be one whole batch.
bool IsWholeButForItsLength(Bytes bytes) {
  if (bytes.size() < record::kBatchOverheadBytes || bytes[record::kMagicAt] != kMagic) return false;
  return record::CheckCrc(bytes);
}

}  // namespace torn_write_internal

std::string_view ToString(TornVerdict verdict) {
  switch (verdict) {
    case TornVerdict::kMayBeTorn:
      return "a write that did not come to its end may have left it";
    case TornVerdict::kDamaged:
      return "no interrupted write leaves this: the disk damaged it";
    case TornVerdict::kFollowedByWhole:
      return "a whole batch stands behind it";
  }
  return "unknown";
}

TornResult JudgeTorn(fiber::Fiber& self, env::File& file, int64_t position, int64_t file_size_bytes) {
  namespace internal = torn_write_internal;
  REQUIRES(position >= 0 && position <= file_size_bytes);
  TornResult result;
  ByteBuffer buffer(static_cast<size_t>(std::min(file_size_bytes - position, internal::kLookBytesMax)));
  const env::IoResult read = file.ReadAt(self, buffer, position);
  if (!read.ok()) {
    result.error = read.error;
    return result;
  }
  const Bytes bytes = Bytes(buffer).first(static_cast<size_t>(read.size_bytes));
  size_t whole_at = 1;
  while (whole_at < bytes.size() && internal::WholeBatchAt(bytes, whole_at) == 0) ++whole_at;
  const bool is_followed = whole_at < bytes.size();
  // What is wrong reaches to the next whole batch, to where its own length says, or to the end.
  Bytes wrong = bytes.first(std::min(whole_at, bytes.size()));
  const record::HeaderResult parsed = record::ParseHeader(wrong);
  const bool has_end = parsed.ok() && parsed.header.size_bytes <= static_cast<int64_t>(wrong.size());
  if (has_end) wrong = wrong.first(static_cast<size_t>(parsed.header.size_bytes));
  const bool is_all_there = is_followed || has_end || internal::IsWholeButForItsLength(wrong);
  if (is_all_there && !internal::HasLostSector(wrong, position)) {
    result.verdict = TornVerdict::kDamaged;
  } else if (is_followed) {
    result.verdict = TornVerdict::kFollowedByWhole;
  }
  if (is_followed) result.whole_at = position + static_cast<int64_t>(whole_at);
  return result;
}

}  // namespace odradek::storage
