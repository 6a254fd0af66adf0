#include "sim/disk/paged_content.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "engine/base/check.h"

namespace odradek::sim {

const PagedContent::Page* PagedContent::FindPage(int64_t page_index) const {
  const auto at = pages_.find(page_index);
  return at == pages_.end() ? nullptr : at->second.get();
}

PagedContent::Page& PagedContent::MutablePage(int64_t page_index) {
  std::shared_ptr<Page>& page = pages_[page_index];
  if (page == nullptr) {
    page = std::make_shared<Page>();
    page->fill(std::byte{0});
  } else if (page.use_count() > 1) {
    page = std::make_shared<Page>(*page);
  }
  return *page;
}

void PagedContent::Read(MutableBytes into, int64_t offset) const {
  REQUIRES(offset >= 0);
  while (!into.empty()) {
    const int64_t in_page = offset % kPageBytes;
    const auto count = std::min(into.size(), static_cast<size_t>(kPageBytes - in_page));
    if (const Page* page = FindPage(offset / kPageBytes); page != nullptr) {
      std::memcpy(into.data(), page->data() + in_page, count);
    } else {
      std::memset(into.data(), 0, count);
    }
    into = into.subspan(count);
    offset += static_cast<int64_t>(count);
  }
}

void PagedContent::Write(Bytes bytes, int64_t offset) {
  REQUIRES(offset >= 0);
  while (!bytes.empty()) {
    const int64_t in_page = offset % kPageBytes;
    const auto count = std::min(bytes.size(), static_cast<size_t>(kPageBytes - in_page));
    std::memcpy(MutablePage(offset / kPageBytes).data() + in_page, bytes.data(), count);
    bytes = bytes.subspan(count);
    offset += static_cast<int64_t>(count);
    size_bytes_ = std::max(size_bytes_, offset);
  }
}

void PagedContent::Resize(int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  if (size_bytes < size_bytes_) ZeroFrom(size_bytes);
  size_bytes_ = size_bytes;
}

void PagedContent::ZeroFrom(int64_t offset) {
  REQUIRES(offset >= 0);
  const int64_t page_index = offset / kPageBytes;
  const int64_t in_page = offset % kPageBytes;
  pages_.erase(pages_.lower_bound(in_page == 0 ? page_index : page_index + 1), pages_.end());
  if (in_page == 0 || !HasPage(page_index)) return;
  Page& page = MutablePage(page_index);
  std::fill(page.begin() + in_page, page.end(), std::byte{0});
}

void PagedContent::CopySector(const PagedContent& from, int64_t sector_index) {
  const int64_t offset = sector_index * kSectorBytes;
  const int64_t page_index = offset / kPageBytes;
  const Page* source = from.FindPage(page_index);
  if (source == nullptr && !HasPage(page_index)) return;
  std::byte* to = MutablePage(page_index).data() + offset % kPageBytes;
  if (source != nullptr) {
    std::memcpy(to, source->data() + offset % kPageBytes, kSectorBytes);
  } else {
    std::memset(to, 0, kSectorBytes);
  }
}

void PagedContent::SharePage(const PagedContent& from, int64_t page_index) {
  const auto source = from.pages_.find(page_index);
  if (source == from.pages_.end()) {
    pages_.erase(page_index);
  } else {
    pages_[page_index] = source->second;
  }
}

void PagedContent::FlipBit(int64_t offset, int bit_index) {
  REQUIRES(offset >= 0);
  REQUIRES(bit_index >= 0 && bit_index < 8);
  MutablePage(offset / kPageBytes)[static_cast<size_t>(offset % kPageBytes)] ^= std::byte{1} << bit_index;
}

std::vector<ByteRange> PagedContent::Differences(const PagedContent& a, const PagedContent& b, int64_t end) {
  static constexpr Page kZeros{};
  std::set<int64_t> page_indexes;
  for (const auto& [index, page] : a.pages_) page_indexes.insert(index);
  for (const auto& [index, page] : b.pages_) page_indexes.insert(index);
  std::vector<ByteRange> ranges;
  for (const int64_t page_index : page_indexes) {
    const Page* of_a = a.FindPage(page_index);
    const Page* of_b = b.FindPage(page_index);
    if (of_a == of_b) continue;
    if (of_a == nullptr) of_a = &kZeros;
    if (of_b == nullptr) of_b = &kZeros;
    for (int64_t i = 0; i < kPageBytes; ++i) {
      const int64_t offset = page_index * kPageBytes + i;
      if (offset >= end) return ranges;
      const auto at = static_cast<size_t>(i);
      if ((*of_a)[at] == (*of_b)[at]) continue;
      if (!ranges.empty() && ranges.back().end == offset) {
        ++ranges.back().end;
      } else {
        ranges.push_back({offset, offset + 1});
      }
    }
  }
  return ranges;
}

}  // namespace odradek::sim
