#include "engine/broker/disk_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/base/check.h"

namespace odradek::broker {

DiskWatch::MustFinish::MustFinish(DiskWatch& watch, MonoTime now) : watch_(watch) {
  if (watch_.must_finish_count_++ == 0) watch_.must_finish_since_ = now;
}

DiskWatch::MustFinish::~MustFinish() {
  REQUIRES(watch_.must_finish_count_ > 0);
  if (--watch_.must_finish_count_ == 0) watch_.must_finish_since_ = MonoTime::Never();
}

void DiskWatch::Run(fiber::Fiber& self, fiber::Event& end) {
  constexpr Duration kEveryMax = Duration::Seconds(1);
  const Duration every = std::min(kEveryMax, std::max(options_.patience / 4, Duration::Millis(1)));
  while (end.WaitUntil(self, self.Now() + every) == fiber::Wake::kTimeout) Look(self);
}

void DiskWatch::Look(fiber::Fiber& self) {
  const MonoTime limit = self.Now() - options_.patience;
  const std::vector<env::OpenCall> calls = env_.disk.OpenCalls(limit);
  const bool must_finish = must_finish_since_ != MonoTime::Never() && must_finish_since_ < limit;
  for (const env::OpenCall& call : calls) {
    const std::string why = fmt::format("the disk does not answer: {} of {} has not returned for {} ms", call.what,
                                        call.path, (self.Now() - call.since).millis());
    const LogDirectories::Open* directory = directories_.HolderOf(call.path);
    const bool is_mine = directory != nullptr || must_finish;
    if (!is_mine) continue;
    REACHED(env_.context, "broker.log_directory.hangs");
    const bool has_metadata = directory != nullptr && directory->directory.use != DirectoryUse::kPartitions;
    if (must_finish || has_metadata) {
      REACHED(env_.context, "broker.log_directory.hangs_and_node_ends");
      env_.process.Fatal(self, why);
    }
    directories_.TakeOffline(*directory, why);
  }
}

}  // namespace odradek::broker
