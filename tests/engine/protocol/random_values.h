// Random field values for the generated fillers: small, with the edges (null, empty, extremes) often.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/prng.h"
#include "engine/base/uuid.h"
#include "engine/protocol/records_field.h"
#include "engine/protocol/wire_form.h"

namespace odradek::protocol {

// Owns the bytes that filled records point to.
class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : prng_(seed) {}

  size_t ArraySize() { return prng_.Below(4); }

  void Fill(bool& v) { v = prng_.Below(2) == 1; }
  void Fill(int8_t& v) { v = static_cast<int8_t>(Integer()); }
  void Fill(int16_t& v) { v = static_cast<int16_t>(Integer()); }
  void Fill(uint16_t& v) { v = static_cast<uint16_t>(Integer()); }
  void Fill(int32_t& v) { v = static_cast<int32_t>(Integer()); }
  void Fill(uint32_t& v) { v = static_cast<uint32_t>(Integer()); }
  void Fill(int64_t& v) { v = static_cast<int64_t>(Integer()); }
  void Fill(double& v) { v = static_cast<double>(static_cast<int32_t>(Integer())) / 8; }
  void Fill(Uuid& v) {
    v.high = Integer();
    v.low = Integer();
  }
  void Fill(std::string& v) {
    v.resize(Size());
    for (char& c : v) c = static_cast<char>(prng_.Between('a', 'z'));
  }
  void Fill(ByteBuffer& v) {
    v.resize(Size());
    for (std::byte& b : v) b = static_cast<std::byte>(prng_.Next());
  }
  void Fill(RecordsField& v) {
    Fill(storage_.emplace_back());
    v = RecordsField(Bytes(storage_.back()));
  }

  // True: the value is null now.
  template <typename T>
  bool MakeNull(std::optional<T>& v, Nulls nulls) {
    if (nulls == Nulls::kForbidden || prng_.Below(3) != 0) return false;
    v.reset();
    return true;
  }
  bool MakeNull(RecordsField& v, Nulls nulls) {
    if (nulls == Nulls::kForbidden || prng_.Below(3) != 0) return false;
    v = RecordsField();
    return true;
  }

 private:
  uint64_t Integer() {
    const uint64_t kind = prng_.Below(4);
    const uint64_t value = prng_.Next();
    if (kind == 0) return value % 3 - 1;  // -1, 0, 1: the usual defaults
    return value >> prng_.Below(64);
  }
  // Around the lengths at which a compact length takes a second byte, too.
  size_t Size() {
    const uint64_t kind = prng_.Below(8);
    return kind == 0 ? 0 : kind == 1 ? 120 + prng_.Below(20) : prng_.Below(12);
  }

  base::Prng prng_;
  std::deque<ByteBuffer> storage_;
};

}  // namespace odradek::protocol
