#include "tools/odradek/line_input.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace odradek::tool {
namespace {

constexpr size_t kChunkBytes = size_t{64} << 10;

struct Chunk {
  std::string bytes;
  int error = 0;
};

void ReadChunk(Chunk& chunk) {
  chunk.bytes.resize(kChunkBytes);
  ssize_t count = 0;
  do {
    count = read(STDIN_FILENO, chunk.bytes.data(), chunk.bytes.size());
  } while (count < 0 && errno == EINTR);
  chunk.error = count < 0 ? errno : 0;
  chunk.bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
}

}  // namespace

bool LineInput::Next(fiber::Fiber& self, std::string_view& line) {
  size_t end = buffer_.find('\n', next_);
  while (end == std::string::npos && !is_at_end_) {
    buffer_.erase(0, next_);
    next_ = 0;
    const size_t searched = buffer_.size();
    // Outlives the helper's work even if this fiber is killed meanwhile.
    auto chunk = std::make_shared<Chunk>();
    env_.offload.Run(self, [chunk] { ReadChunk(*chunk); });
    if (chunk->error != 0) error_ = std::strerror(chunk->error);
    is_at_end_ = chunk->bytes.empty();
    buffer_ += chunk->bytes;
    end = buffer_.find('\n', searched);
  }
  if (end == std::string::npos && next_ == buffer_.size()) return false;
  line = std::string_view(buffer_).substr(next_, end == std::string::npos ? end : end - next_);
  next_ = end == std::string::npos ? buffer_.size() : end + 1;
  ++line_number_;
  return true;
}

}  // namespace odradek::tool
