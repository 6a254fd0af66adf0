// The identity of a data directory: meta.properties, version 1, in the layout of Java's properties files. Pure.
//
// Source: Kafka's MetaProperties.java, PropertiesUtils.java; FEATURES 3.2.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/bytes.h"
#include "engine/base/ids.h"
#include "engine/base/uuid.h"

namespace odradek::storage {

struct MetaProperties {
  std::string cluster_id;
  NodeId node_id = kNoNode;
  Uuid directory_id;  // zero: the file names none, which Kafka before 3.7 did not
  friend bool operator==(const MetaProperties&, const MetaProperties&) = default;
};

std::string FormatMetaProperties(const MetaProperties& meta);
// Also reads version 0 (broker.id). Errors name file and line.
absl::StatusOr<MetaProperties> ParseMetaProperties(std::string_view path, Bytes content);

}  // namespace odradek::storage
