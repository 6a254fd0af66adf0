// A file that is read in pieces, for tools: blocking. Errors are text for a person.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"

namespace odradek::tool {

class InputFile {
 public:
  // Look at error() afterwards.
  explicit InputFile(const std::string& path);

  // Empty: the file is open and all reads were whole.
  const std::string& error() const { return error_; }
  const std::string& path() const { return path_; }
  int64_t size_bytes() const { return size_bytes_; }
  // Replaces `into` by what the file has of the range. False: error() says why.
  bool ReadAt(int64_t position, int64_t size_bytes, ByteBuffer& into);

 private:
  const std::string path_;
  std::ifstream in_;
  int64_t size_bytes_ = 0;
  int64_t position_ = 0;
  std::string error_;
};

// The part behind the last '/'.
std::string_view NameOf(std::string_view path);

}  // namespace odradek::tool
