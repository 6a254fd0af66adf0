// From a topic's resolved properties to its log's settings.
#pragma once

#include <optional>

#include "engine/broker/options.h"
#include "engine/metadata/effective.h"
#include "engine/record/compression.h"
#include "engine/storage/config.h"

namespace odradek::broker {

// The layers of this node's configuration. The options must outlive the view.
inline metadata::NodeView NodeViewOf(const NodeOptions& options) {
  return {options.config.node_id, &options.static_properties};
}

// What holds for one partition.
struct PartitionConfig {
  storage::LogConfig log;
  int32_t min_insync_replicas = 1;
  // compression.type other than `producer`: batches in another codec are compressed anew.
  std::optional<record::CompressionOptions> compression;
};

PartitionConfig PartitionConfigOf(const NodeOptions& options, const config::Layers& layers);

}  // namespace odradek::broker
