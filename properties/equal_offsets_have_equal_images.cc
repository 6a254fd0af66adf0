// M1. The image of a node is the fold of the metadata log up to an offset, and of nothing else: two nodes at the same
// offset have the same one, whether they folded records or loaded a snapshot.
#include <fmt/format.h>

#include "properties/cluster_monitors.h"

namespace odradek::properties {

Findings EqualOffsetsHaveEqualImages(const ImageState& image) {
  Findings found;
  if (image.first_node.empty()) return found;
  found.Judged();
  if (image.fingerprint == image.first_fingerprint) return found;
  found.Violated(fmt::format("the image of {} at offset {} is {:016x}, that of {} was {:016x}", image.node,
                             image.end.value(), image.fingerprint, image.first_node, image.first_fingerprint),
                 {image.at_ns});
  return found;
}

}  // namespace odradek::properties
