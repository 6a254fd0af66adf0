// Text of one .msg file to data. Says what is wrong with a line and goes on with the next.
#pragma once

#include <string_view>

#include "tools/protogen/schema.h"

namespace odradek::protogen {

struct SourceText {
  std::string_view path;
  std::string_view text;
};

SchemaFile Parse(const SourceText& source, Diagnostics& diagnostics);

}  // namespace odradek::protogen
