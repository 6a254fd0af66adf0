#include "engine/metadata/effective.h"

#include <fmt/format.h>

namespace odradek::metadata {

config::Layers BrokerLayers(const Image& image, const NodeView& node) {
  config::Layers layers;
  layers.dynamic_broker = image.FindConfigs({ResourceType::kBroker, fmt::format("{}", node.node.value())});
  layers.dynamic_default = image.FindConfigs({ResourceType::kBroker, ""});
  layers.static_broker = node.static_properties;
  return layers;
}

config::Layers TopicLayers(const Image& image, const NodeView& node, std::string_view topic) {
  config::Layers layers = BrokerLayers(image, node);
  layers.topic = image.FindConfigs({ResourceType::kTopic, std::string(topic)});
  return layers;
}

}  // namespace odradek::metadata
