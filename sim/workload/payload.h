// What a record of a workload looks like: everything in it follows from its value, so that a reader finds any byte that
// differs from what was sent. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/record/record_iterator.h"
#include "sim/history/history.h"

namespace odradek::workload {

// Header, filler and checksum; at least kPayloadBytesMin long whatever is asked for.
inline constexpr int64_t kPayloadBytesMin = 24;
ByteBuffer MakePayload(history::Value value, std::optional<history::Key> key, int64_t size_bytes);
// The bytes of a key.
std::string KeyText(history::Key key);
// One of `key_count` keys: a few, so that partitions see the same ones again.
history::Key KeyOf(history::Value value, int32_t key_count);

// A tombstone has its payload in a header of this name.
inline constexpr std::string_view kTombstoneHeader = "tombstone";

// The value of a record that arrived with these bytes; kCorruptValue if nobody can have sent them.
struct ArrivedRecord {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  record::RecordHeaders headers;
};
history::Value ValueOf(const ArrivedRecord& record);

}  // namespace odradek::workload
