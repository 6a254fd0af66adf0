// How values of a type become the bytes of a record and come back. Serde<T> for a type of one's own is a specialisation
// with the two functions that SerdeOf asks for. The formats here are those of Kafka's serializers of the same types
// (org.apache.kafka.common.serialization): integers and floating point big-endian, text as UTF-8.
// Pure; bytes are input and never asserted on.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/absl_compat.h"
#include "engine/base/bytes.h"

namespace odradek::client {

template <typename T>
struct Serde;

template <typename T>
concept SerdeOf = requires(const T& value, ByteBuffer& out, Bytes bytes) {
  // Appends.
  { Serde<T>::Serialize(value, out) } -> std::same_as<void>;
  // Of all the bytes; an error says what is wrong with them.
  { Serde<T>::Deserialize(bytes) } -> std::same_as<absl::StatusOr<T>>;
};

// A field that is always null.
struct Nothing {
  friend bool operator==(Nothing, Nothing) = default;
};

template <typename T>
inline constexpr bool kMayBeNull = false;
template <typename T>
inline constexpr bool kMayBeNull<std::optional<T>> = true;
template <>
inline constexpr bool kMayBeNull<Nothing> = true;

// What a key or a value can be: a type with a Serde, std::optional of one (null if empty), or Nothing.
template <typename T>
concept RecordField = SerdeOf<T> || std::same_as<T, Nothing> || (kMayBeNull<T> && SerdeOf<typename T::value_type>);

// The field's bytes, in `storage`; nullopt: null.
template <RecordField T>
std::optional<Bytes> SerializeField(const T& field, ByteBuffer& storage) {
  if constexpr (std::same_as<T, Nothing>) {
    return std::nullopt;
  } else if constexpr (kMayBeNull<T>) {
    if (!field) return std::nullopt;
    Serde<typename T::value_type>::Serialize(*field, storage);
  } else {
    Serde<T>::Serialize(field, storage);
  }
  return Bytes(storage);
}

template <RecordField T>
absl::StatusOr<T> DeserializeField(const std::optional<Bytes>& bytes) {
  if constexpr (std::same_as<T, Nothing>) {
    if (bytes) return base::InvalidArgument(fmt::format("{} bytes where null is expected", bytes->size()));
    return Nothing();
  } else if constexpr (kMayBeNull<T>) {
    if (!bytes) return T();
    auto value = Serde<typename T::value_type>::Deserialize(*bytes);
    if (!value.ok()) return value.status();
    return T(*std::move(value));
  } else {
    if (!bytes) return base::InvalidArgument("null where a value is expected");
    return Serde<T>::Deserialize(*bytes);
  }
}

template <>
struct Serde<std::string> {
  static void Serialize(const std::string& value, ByteBuffer& out) { AppendBytes(out, AsBytes(value)); }
  static absl::StatusOr<std::string> Deserialize(Bytes bytes) { return std::string(AsString(bytes)); }
};

template <>
struct Serde<ByteBuffer> {
  static void Serialize(const ByteBuffer& value, ByteBuffer& out) { AppendBytes(out, value); }
  static absl::StatusOr<ByteBuffer> Deserialize(Bytes bytes) { return ByteBuffer(bytes.begin(), bytes.end()); }
};

// int16_t, int32_t and int64_t: Kafka's Short, Integer and Long.
template <std::signed_integral T>
  requires(sizeof(T) >= 2)
struct Serde<T> {
  static void Serialize(T value, ByteBuffer& out) { AppendBigEndian(out, value); }
  static absl::StatusOr<T> Deserialize(Bytes bytes) {
    if (bytes.size() != sizeof(T)) {
      return base::InvalidArgument(fmt::format("{} bytes where {} are expected", bytes.size(), sizeof(T)));
    }
    return LoadBigEndian<T>(bytes.data());
  }
};

// Kafka's Double.
template <>
struct Serde<double> {
  static void Serialize(double value, ByteBuffer& out) { AppendBigEndian(out, std::bit_cast<int64_t>(value)); }
  static absl::StatusOr<double> Deserialize(Bytes bytes) {
    const auto bits = Serde<int64_t>::Deserialize(bytes);
    if (!bits.ok()) return bits.status();
    return std::bit_cast<double>(*bits);
  }
};

}  // namespace odradek::client
