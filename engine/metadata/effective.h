// Which configuration holds for a topic or a broker: the layers of engine/config over an image. Pure.
#pragma once

#include <string_view>

#include "engine/base/ids.h"
#include "engine/config/resolve.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

// The node that asks, and what its file says. The properties must outlive the view.
struct NodeView {
  NodeId node;
  const config::PropertyMap* static_properties = nullptr;
};

// Views into image and node: valid until either changes.
config::Layers BrokerLayers(const Image& image, const NodeView& node);
config::Layers TopicLayers(const Image& image, const NodeView& node, std::string_view topic);

}  // namespace odradek::metadata
