// A record of a coordinator's log as values: what it is about, and what is said about it. Plain values; never suspends.
#pragma once

#include <cstdint>
#include <optional>

namespace odradek::protocol {

template <typename KeyMessage, typename ValueMessage>
struct KeyedRecord {
  static_assert(KeyMessage::kRecordType == ValueMessage::kRecordType);
  using Key = KeyMessage;
  using Value = ValueMessage;

  Key key;
  std::optional<Value> value;  // none: a tombstone
  int16_t value_version = Value::kMinVersion;

  friend bool operator==(const KeyedRecord&, const KeyedRecord&) = default;
};

}  // namespace odradek::protocol
