// The bytes of one simulated file: sparse, in pages that copies share until one of them writes. A copy costs a pointer
// per page. Never suspends.
//
// Invariants:
//  1. What was never written, and what lies beyond size_bytes(), reads as zeros.
//  2. A page that is shared is never changed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"

namespace odradek::sim {

// The unit that a disk writes as a whole or not at all.
inline constexpr int64_t kSectorBytes = 512;
inline constexpr int64_t kPageBytes = 4096;
static_assert(kPageBytes % kSectorBytes == 0);

// [begin, end) in bytes.
struct ByteRange {
  int64_t begin = 0;
  int64_t end = 0;
  friend auto operator<=>(const ByteRange&, const ByteRange&) = default;
};

class PagedContent {
 public:
  int64_t size_bytes() const { return size_bytes_; }
  // Space taken: holes are free.
  int64_t allocated_bytes() const { return static_cast<int64_t>(pages_.size()) * kPageBytes; }
  bool HasPage(int64_t page_index) const { return pages_.contains(page_index); }

  // Fills `into`; zeros beyond the end.
  void Read(MutableBytes into, int64_t offset) const;
  // Extends the size if need be.
  void Write(Bytes bytes, int64_t offset);
  // A smaller size forgets what lies beyond it.
  void Resize(int64_t size_bytes);
  // Zeros from `offset` to infinity; the size stays.
  void ZeroFrom(int64_t offset);
  // Sets the size and nothing else: bytes that lay beyond it may appear. For contents that are being put together.
  void SetSize(int64_t size_bytes) { size_bytes_ = size_bytes; }
  // One sector as it stands in `from`; the size stays.
  void CopySector(const PagedContent& from, int64_t sector_index);
  // One page as it stands in `from`, shared with it; the size stays.
  void SharePage(const PagedContent& from, int64_t page_index);
  // REQUIRES: 0 <= bit_index < 8.
  void FlipBit(int64_t offset, int bit_index);

  // The ranges below `end` in which two contents read differently, ascending, to the byte.
  static std::vector<ByteRange> Differences(const PagedContent& a, const PagedContent& b, int64_t end);

 private:
  using Page = std::array<std::byte, kPageBytes>;

  const Page* FindPage(int64_t page_index) const;
  Page& MutablePage(int64_t page_index);

  int64_t size_bytes_ = 0;
  std::map<int64_t, std::shared_ptr<Page>> pages_;
};

}  // namespace odradek::sim
