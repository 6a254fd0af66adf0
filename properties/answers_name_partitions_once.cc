// F4, beside the catalogue. An answer to a Fetch names each partition once: a client that takes what it is given would
// read the records of the second one again.
#include <fmt/format.h>

#include "properties/property.h"

namespace odradek::properties {

Findings AnswersNamePartitionsOnce(const Evidence& evidence) {
  Findings found;
  for (const history::FetchShape& shape : evidence.history().fetch_shapes) {
    found.Judged();
    if (shape.named_count == shape.distinct_count) continue;
    found.Violated(fmt::format("client {} was answered with {} partitions, {} of them different", shape.client,
                               shape.named_count, shape.distinct_count),
                   {shape.span.invoked_ns, shape.span.completed_ns});
  }
  return found;
}

}  // namespace odradek::properties
