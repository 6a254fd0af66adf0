// What a record of a workload looks like: everything in it follows from its value, so that a reader finds any byte that
// differs from what was sent. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "sim/history/history.h"

namespace odradek::workload {

enum class Keyed : uint8_t { kNo, kYes };

// Header, filler and checksum; at least kPayloadBytesMin long whatever is asked for.
inline constexpr int64_t kPayloadBytesMin = 24;
ByteBuffer MakePayload(history::Value value, Keyed keyed, int64_t size_bytes);
// Of keyed records. A few keys per run, so that partitions see the same ones again.
std::string KeyOf(history::Value value);

// The value of a record that arrived with these bytes; kCorruptValue if nobody can have sent them.
history::Value ValueOf(const std::optional<Bytes>& key, const std::optional<Bytes>& payload);

}  // namespace odradek::workload
