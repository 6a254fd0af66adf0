#include "engine/protocol/coordinator_record.h"

#include <fmt/format.h>

#include <type_traits>
#include <utility>
#include <variant>

#include "engine/protocol/versioned.h"

namespace odradek::protocol {
namespace {

// Every key is of one version: a new layout would be a new type.
template <typename Record>
inline constexpr int16_t kKeyVersion = Record::Key::kMinVersion;

// Makes `out` the record of this type. False: there is none.
template <typename Variant, size_t... kIndices>
bool EmplaceByType(int16_t type, Variant& out, std::index_sequence<kIndices...>) {
  const auto try_one = [&]<size_t kIndex>(std::integral_constant<size_t, kIndex>) {
    if (std::variant_alternative_t<kIndex, Variant>::Key::kRecordType != type) return false;
    out.template emplace<kIndex>();
    return true;
  };
  return (try_one(std::integral_constant<size_t, kIndices>()) || ...);
}

template <typename Record>
KeyedRecordStatus DecodeFields(Reader& key, const std::optional<Bytes>& value, Record& out, DecodeError& error) {
  static_assert(Record::Key::kMinVersion == Record::Key::kMaxVersion);
  if (!DecodeWhole(key, kKeyVersion<Record>, out.key)) {
    key.At(Record::Key::kName);
    error = key.error();
    return KeyedRecordStatus::kMalformed;
  }
  if (!value) return KeyedRecordStatus::kOk;
  Reader reader(*value);
  if (!DecodeVersioned(reader, NewerVersion::kRefuse, out.value.emplace(), out.value_version)) {
    reader.At(Record::Value::kName);
    error = reader.error();
    return KeyedRecordStatus::kMalformed;
  }
  return KeyedRecordStatus::kOk;
}

template <typename Variant>
KeyedRecordStatus Decode(const KeyedBytes& in, Variant& out, DecodeError& error) {
  Reader key(in.key);
  int16_t type = 0;
  if (!key.Int16(type)) {
    key.At("type");
    error = key.error();
    return KeyedRecordStatus::kMalformed;
  }
  if (!EmplaceByType(type, out, std::make_index_sequence<std::variant_size_v<Variant>>())) {
    key.Fail(fmt::format("{} is unknown", type));
    key.At("type");
    error = key.error();
    return KeyedRecordStatus::kUnknownType;
  }
  return std::visit([&](auto& record) { return DecodeFields(key, in.value, record, error); }, out);
}

template <typename Record>
std::optional<EncodeError> EncodeFields(const Record& record, EncodedKeyedRecord& out) {
  Writer key;
  key.Int16(Record::Key::kRecordType);
  record.key.Encode(key, kKeyVersion<Record>);
  if (key.error()) return key.error();
  out.value.reset();
  if (record.value) {
    Writer value;
    EncodeVersioned(*record.value, record.value_version, value);
    if (value.error()) return value.error();
    out.value = value.Take();
  }
  out.key = key.Take();
  return std::nullopt;
}

template <typename Variant>
std::optional<EncodeError> Encode(const Variant& record, EncodedKeyedRecord& out) {
  return std::visit([&](const auto& fields) { return EncodeFields(fields, out); }, record);
}

}  // namespace

KeyedRecordStatus DecodeCoordinatorRecord(const KeyedBytes& in, GroupCoordinatorRecord& out, DecodeError& error) {
  return Decode(in, out, error);
}
KeyedRecordStatus DecodeCoordinatorRecord(const KeyedBytes& in, TransactionCoordinatorRecord& out, DecodeError& error) {
  return Decode(in, out, error);
}
KeyedRecordStatus DecodeCoordinatorRecord(const KeyedBytes& in, ShareCoordinatorRecord& out, DecodeError& error) {
  return Decode(in, out, error);
}

std::optional<EncodeError> EncodeCoordinatorRecord(const GroupCoordinatorRecord& record, EncodedKeyedRecord& out) {
  return Encode(record, out);
}
std::optional<EncodeError> EncodeCoordinatorRecord(const TransactionCoordinatorRecord& record,
                                                   EncodedKeyedRecord& out) {
  return Encode(record, out);
}
std::optional<EncodeError> EncodeCoordinatorRecord(const ShareCoordinatorRecord& record, EncodedKeyedRecord& out) {
  return Encode(record, out);
}

}  // namespace odradek::protocol
