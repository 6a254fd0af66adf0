#include "engine/real/services.h"

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "engine/base/check.h"
#include "engine/real/node.h"

namespace odradek::real {

uint64_t RealEntropy::Next64() {
  if (next_ == draws_.size()) {
    ssize_t n = 0;
    do {
      n = getrandom(draws_.data(), sizeof(draws_), 0);
    } while (n < 0 && errno == EINTR);
    INVARIANT(n == static_cast<ssize_t>(sizeof(draws_)));
    next_ = 0;
  }
  return draws_[next_++];
}

void RealProcess::Fatal(fiber::Fiber& self, std::string_view reason) {
  log_.Write(env::LogLevel::kError, "process", "fatal: the node cannot go on",
             {{"reason", std::string(reason)}, {"fiber", std::string(self.name())}});
  log_.Flush();
  // Nothing may be flushed or deleted by a node that is not sound.
  _exit(kFatalExitStatus);
}

void RealOffload::Run(fiber::Fiber& self, absl::AnyInvocable<void()> work) {
  helpers_.Run(self, reactor_, std::move(work));
}

void RealShards::Post(ShardId to, absl::AnyInvocable<void()> message) {
  REQUIRES(to.value() >= 0 && to.value() < count());
  reactors_[static_cast<size_t>(to.value())]->Post(std::move(message));
}

}  // namespace odradek::real
