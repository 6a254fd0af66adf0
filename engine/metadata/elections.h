// Who leads when brokers come and go. Pure; part of the controller's inside.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/ids.h"
#include "engine/metadata/effective.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// A broker that is about to be fenced, or to be unfenced: the image does not say so yet.
struct Departure {
  NodeId broker;
};
struct Arrival {
  NodeId broker;
};

// Changes of all partitions that had the broker in their ISR: it leaves the ISR unless it is its last member, and a
// partition that it led gets another leader or none.
std::vector<Record> ElectAfter(const Image& image, const NodeView& node, Departure departure);

// Changes of all partitions without a leader that can have one now.
std::vector<Record> ElectAfter(const Image& image, const NodeView& node, Arrival arrival);

}  // namespace odradek::metadata
