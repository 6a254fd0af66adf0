// The Kafka APIs of this build and their version ranges (FEATURES.md 2.1, those of Apache Kafka 4.3.1). Tables only.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/protocol/generated/api_key.h"
#include "engine/protocol/wire_form.h"

namespace odradek::protocol {

struct ApiInfo {
  ApiKey key;
  std::string_view name;
  // What can be decoded and encoded.
  int16_t min_version;
  int16_t max_version;
  // Later versions are served only where unstable API versions are switched on.
  int16_t stable_max_version;
  // ApiVersions may claim older versions than are served: librdkafka before 2.11.1 decides by them what a broker can
  // do (KAFKA-18659).
  int16_t advertised_min_version;
  int16_t flexible_from;
  // -1: follows flexibility. The ApiVersions answer has none, since its reader does not know yet what we speak.
  int16_t fixed_response_header_version;
  bool on_broker;
  bool on_controller;

  // Also for versions outside the range: the header of a future version must be readable (KIP-511).
  constexpr int16_t RequestHeaderVersion(int16_t version) const { return version >= flexible_from ? 2 : 1; }
  constexpr int16_t ResponseHeaderVersion(int16_t version) const {
    if (fixed_response_header_version >= 0) return fixed_response_header_version;
    return version >= flexible_from ? 1 : 0;
  }
  constexpr bool Serves(int16_t version) const { return version >= min_version && version <= max_version; }
};

// By ascending key.
std::span<const ApiInfo> AllApis();

// nullptr: not an API of this build.
const ApiInfo* FindApi(int16_t key);

// REQUIRES: one of the enumerators.
const ApiInfo& InfoOf(ApiKey key);

}  // namespace odradek::protocol
