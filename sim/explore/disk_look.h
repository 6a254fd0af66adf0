// Reads the files of a broker's data directory from the disk model, past the engine: costs no virtual time, draws
// nothing, changes nothing. Never suspends.
#pragma once

#include <optional>
#include <string_view>

#include "properties/monitors.h"
#include "sim/disk/disk_model.h"

namespace odradek::explore {

// Segments and producer snapshots of a partition's folder; empty if there is no such folder.
properties::WrittenLog LookAtLog(const sim::DiskModel& disk, sim::DiskModel::View view, std::string_view folder);

// nullopt: not the name of a folder that holds a partition.
std::optional<TopicPartition> PartitionOfFolder(std::string_view folder);

// Everything but the time, the node and the moment, and Gaps and Trust of the logs.
properties::DirectoryState LookAtDirectory(const sim::DiskModel& disk, std::string_view directory);

}  // namespace odradek::explore
