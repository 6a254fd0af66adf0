// A message field of type `records`: record batches that are carried, not decoded. It owns nothing: a view points into
// the buffer that was decoded (or that the sender keeps alive until the response left), an external range stands for
// bytes that the sender splices in from somewhere else, for instance a segment file. Never suspends.
//
// Invariants: 1. exactly one of null, view, external; 2. an external range is only ever encoded, never decoded.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace odradek::protocol {

// Bytes that are not in memory. The cookie is the sender's own name for them.
struct ExternalRecords {
  int64_t size_bytes = 0;
  int cookie = 0;
  friend bool operator==(const ExternalRecords&, const ExternalRecords&) = default;
};

class RecordsField {
 public:
  RecordsField() = default;  // null
  explicit RecordsField(Bytes view) : kind_(Kind::kView), view_(view) {}
  explicit RecordsField(ExternalRecords external) : kind_(Kind::kExternal), external_(external) {
    REQUIRES(external.size_bytes >= 0);
  }

  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_external() const { return kind_ == Kind::kExternal; }
  int64_t size_bytes() const { return is_external() ? external_.size_bytes : static_cast<int64_t>(view_.size()); }
  // Empty if null. REQUIRES: not external.
  Bytes bytes() const {
    REQUIRES(!is_external());
    return view_;
  }
  // REQUIRES: external.
  const ExternalRecords& external() const {
    REQUIRES(is_external());
    return external_;
  }

  // Views are equal if their bytes are.
  friend bool operator==(const RecordsField& a, const RecordsField& b) {
    return a.kind_ == b.kind_ && a.external_ == b.external_ && std::ranges::equal(a.view_, b.view_);
  }

 private:
  enum class Kind : uint8_t { kNull, kView, kExternal };
  Kind kind_ = Kind::kNull;
  Bytes view_;
  ExternalRecords external_;
};

}  // namespace odradek::protocol
