#include "tools/odradek/dump/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/base/check.h"

namespace odradek::tool {

InputFile::InputFile(const std::string& path) : path_(path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) {
    error_ = "is a folder, not a file";
    return;
  }
  in_.open(path, std::ios::binary);
  if (!in_.is_open()) {
    error_ = std::string("cannot be opened: ") + std::strerror(errno);
    return;
  }
  in_.seekg(0, std::ios::end);
  size_bytes_ = static_cast<int64_t>(in_.tellg());
  in_.seekg(0);
  if (!in_ || size_bytes_ < 0) error_ = "cannot be read: its size is unknown";
}

bool InputFile::ReadAt(int64_t position, int64_t size_bytes, ByteBuffer& into) {
  REQUIRES(position >= 0);
  REQUIRES(size_bytes >= 0);
  if (!error_.empty()) return false;
  const int64_t there = std::clamp<int64_t>(size_bytes_ - position, 0, size_bytes);
  into.resize(static_cast<size_t>(there));
  if (there == 0) return true;
  // Seeking drops what the stream has read ahead, so it is left out where one read follows another.
  if (position != position_) in_.seekg(position);
  in_.read(reinterpret_cast<char*>(into.data()), there);
  if (in_.gcount() != there) {
    error_ = "cannot be read: it has become shorter, or the disk fails";
    return false;
  }
  position_ = position + there;
  return true;
}

std::string_view NameOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace odradek::tool
