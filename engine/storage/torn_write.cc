#include "engine/storage/torn_write.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/crc32c.h"
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

// Of the byte at `at` of what begins at `position`: whether it and all behind it in its sector are zeros.
bool IsInZeroTail(Bytes bytes, int64_t position, size_t at) {
  const int64_t sector_end = ((position + static_cast<int64_t>(at)) / kSectorBytes + 1) * kSectorBytes;
  const size_t end = static_cast<size_t>(std::min(sector_end - position, static_cast<int64_t>(bytes.size())));
  return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                     [](std::byte b) { return b == std::byte{0}; });
}

// Whether some sector's part of what begins at `position` ends in zeros. It may in a whole batch too: the doubt is the
// crash's.
bool HasZeroTail(Bytes bytes, int64_t position) {
  const int64_t end = position + static_cast<int64_t>(bytes.size());
  for (int64_t begin = position; begin < end;) {
    begin = std::min((begin / kSectorBytes + 1) * kSectorBytes, end);
    if (bytes[static_cast<size_t>(begin - position) - 1] == std::byte{0}) return true;
  }
  return false;
}

// Whether one flipped bit gives the batch its checksum, and not one that an interrupted write would have left as it is.
// A checksum is linear: what a bit does to it depends on its distance from the end alone.
bool IsOneBitOff(Bytes batch, int64_t position) {
  const uint32_t stored = LoadBigEndian<uint32_t>(batch.data() + record::kCrcAt);
  const uint32_t difference = stored ^ base::Crc32c(batch.subspan(record::kAttributesAt));
  if (std::has_single_bit(difference)) return true;
  constexpr uint32_t kPolynomial = 0x82f63b78;
  uint32_t effect = kPolynomial;
  for (size_t at = batch.size(); at-- > record::kAttributesAt;) {
    for (int bit_index = 7; bit_index >= 0; --bit_index) {
      if (effect == difference) return !IsInZeroTail(batch, position, at);
      effect = (effect >> 1) ^ ((effect & 1) != 0 ? kPolynomial : 0);
    }
  }
  return false;
}

// What the length field says, or 0 if no batch has that length.
int64_t SizeByItsLength(Bytes bytes) {
  if (bytes.size() < record::kBatchOverheadBytes) return 0;
  const int64_t size_bytes =
      int64_t{record::kLogOverheadBytes} + LoadBigEndian<int32_t>(bytes.data() + record::kLengthAt);
  return size_bytes >= static_cast<int64_t>(record::kBatchOverheadBytes) ? size_bytes : 0;
}

// Whether behind the first byte something says that it is a batch, and the bytes end where it does, or the next batch
// continues its offsets.
bool HasBatchBehind(Bytes bytes) {
  const auto offset_at = [&](size_t at) { return LoadBigEndian<int64_t>(bytes.data() + at + record::kBaseOffsetAt); };
  const auto is_batch_at = [&](size_t at) {
    return at + record::kBatchOverheadBytes <= bytes.size() && bytes[at + record::kMagicAt] == kMagic;
  };
  for (size_t at = 1; at < bytes.size(); ++at) {
    if (!is_batch_at(at)) continue;
    const auto size_bytes = static_cast<size_t>(SizeByItsLength(bytes.subspan(at)));
    if (size_bytes == 0) continue;
    if (at + size_bytes == bytes.size()) return true;
    if (!is_batch_at(at + size_bytes)) continue;
    const int64_t delta = LoadBigEndian<int32_t>(bytes.data() + at + record::kLastOffsetDeltaAt);
    if (offset_at(at + size_bytes) - offset_at(at) == delta + 1) return true;
  }
  return false;
}

// Base offset and leader epoch are outside of the checksum too: where a sector ends among them, a batch of which that
// sector was not written is whole but for its begin. `expected` is its base offset, or kNoOffset.
bool LacksItsBegin(Bytes batch, int64_t position, Offset expected) {
  const auto in_sector = static_cast<size_t>(kSectorBytes - position % kSectorBytes);
  if (in_sector > record::kMagicAt || batch.size() < record::kMagicAt) return false;
  size_t wrong_at = std::min(in_sector, record::kLengthAt) - 1;
  if (expected != kNoOffset) {
    std::array<std::byte, sizeof(int64_t)> right;
    StoreBigEndian<int64_t>(right.data(), expected.value());
    const auto differs = std::mismatch(right.begin(), right.end(), batch.begin()).first - right.begin();
    wrong_at = differs == std::ssize(right) ? record::kLeaderEpochAt : static_cast<size_t>(differs);
  }
  return wrong_at < in_sector && IsInZeroTail(batch, position, wrong_at);
}

// Length and magic are outside of the checksum: with other ones the bytes may be one whole batch.
bool IsWhole(Bytes bytes) {
  return bytes.size() >= record::kBatchOverheadBytes && record::CheckCrc(bytes);
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
    case TornVerdict::kFollowedByMore:
      return "it ends before the file does: something was written behind it";
  }
  return "unknown";
}

TornResult JudgeTorn(fiber::Fiber& self, env::File& file, int64_t position, int64_t file_size_bytes, Offset expected) {
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
  const bool lacks_begin = internal::LacksItsBegin(wrong, position, expected);
  const auto was_whole = [&] { return !lacks_begin && internal::IsWhole(wrong); };
  const bool is_whole = was_whole();
  const int64_t size_bytes = internal::SizeByItsLength(wrong);
  const bool has_end = size_bytes > 0 && size_bytes <= static_cast<int64_t>(wrong.size());
  if (has_end) wrong = wrong.first(static_cast<size_t>(size_bytes));
  const bool is_all_there = is_followed || has_end;
  const bool is_damaged = is_whole || (is_all_there && !internal::HasZeroTail(wrong, position)) ||
                          (has_end && (was_whole() || internal::IsOneBitOff(wrong, position)));
  if (is_damaged) {
    result.verdict = TornVerdict::kDamaged;
  } else if (is_followed) {
    result.verdict = TornVerdict::kFollowedByWhole;
  } else if (bytes.size() >= record::kBatchOverheadBytes &&
             !internal::IsInZeroTail(bytes, position, record::kLengthAt + sizeof(int32_t) - 1)) {
    // The length was written: what stands behind it, or would stand inside of it, was written later.
    const bool is_more = has_end ? size_bytes < std::ssize(bytes) : internal::HasBatchBehind(bytes);
    if (is_more) result.verdict = TornVerdict::kFollowedByMore;
  }
  if (is_followed) result.whole_at = position + static_cast<int64_t>(whole_at);
  return result;
}

}  // namespace odradek::storage
