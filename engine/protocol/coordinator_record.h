// Records of the coordinators' logs and their bytes (FEATURES.md 3.4): the key is the record's type (int16) and the
// fields of the key, the value its version (int16) and its fields; a null value is a tombstone.
//
//   GroupCoordinatorRecord        __consumer_offsets
//   TransactionCoordinatorRecord  __transaction_state
//   ShareCoordinatorRecord        __share_group_state
//
// Pure functions over bytes; never suspends.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/protocol/generated/coordinator_record_types.h"
#include "engine/protocol/reader.h"
#include "engine/protocol/writer.h"

namespace odradek::protocol {

// Views of a record in a batch.
struct KeyedBytes {
  Bytes key;
  std::optional<Bytes> value;
};

struct EncodedKeyedRecord {
  ByteBuffer key;
  std::optional<ByteBuffer> value;
  friend bool operator==(const EncodedKeyedRecord&, const EncodedKeyedRecord&) = default;
};

// A type that is unknown is passed over with a line in the log: a later release wrote it. Whatever else cannot be read
// is damage.
enum class KeyedRecordStatus : uint8_t { kOk, kUnknownType, kMalformed };

// `out` is only of use if the answer is kOk; otherwise `error` says why.
KeyedRecordStatus DecodeCoordinatorRecord(const KeyedBytes& in, GroupCoordinatorRecord& out, DecodeError& error);
KeyedRecordStatus DecodeCoordinatorRecord(const KeyedBytes& in, TransactionCoordinatorRecord& out, DecodeError& error);
KeyedRecordStatus DecodeCoordinatorRecord(const KeyedBytes& in, ShareCoordinatorRecord& out, DecodeError& error);

// Nothing: `out` is the record. An error: a value that its version cannot carry, or no such version.
std::optional<EncodeError> EncodeCoordinatorRecord(const GroupCoordinatorRecord& record, EncodedKeyedRecord& out);
std::optional<EncodeError> EncodeCoordinatorRecord(const TransactionCoordinatorRecord& record, EncodedKeyedRecord& out);
std::optional<EncodeError> EncodeCoordinatorRecord(const ShareCoordinatorRecord& record, EncodedKeyedRecord& out);

}  // namespace odradek::protocol
