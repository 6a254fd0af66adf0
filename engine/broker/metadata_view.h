// A published version of the metadata: immutable, shared by all shards.
#pragma once

#include "engine/base/ids.h"
#include "engine/metadata/image.h"

namespace odradek::broker {

struct MetadataView {
  metadata::Image image;
  // Of the last committed record that is in the image.
  Offset offset = kNoOffset;
};

}  // namespace odradek::broker
