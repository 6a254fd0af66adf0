// Small pieces that every part of the back end needs: ownership of a descriptor and the meaning of errno values.
// Nothing here suspends.
#pragma once

#include <utility>

#include "engine/env/disk.h"
#include "engine/env/network.h"

namespace odradek::real {

// Owns a file descriptor; -1 is none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Closes it. Close is never retried: on Linux the descriptor is gone even after EINTR.
  void Reset();
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// errno after a failed call on a file or directory. REQUIRES: not 0.
env::DiskError DiskErrorOf(int error_number);
// errno after a failed call on a socket. REQUIRES: not 0, and none of EAGAIN, EINPROGRESS, EINTR.
env::NetError NetErrorOf(int error_number);

// Ends a call of a fiber that is killed: what is done without a suspension must not have effects either.
inline void LeaveIfKilled(fiber::Fiber& self) {
  if (!self.is_killed()) return;
  fiber::WaitQueue nobody;
  nobody.Wait(self);  // throws Killed, after the fiber's children are gone
}

}  // namespace odradek::real
