// The calls of a shard's disk that run on helper threads now: what a disk that hangs would keep. Owned by the reactor;
// not thread-safe, entries come and go on the shard.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "engine/env/disk.h"

namespace odradek::real {

class DiskCalls {
 public:
  // As long as it lives, the call is open.
  class Entry {
   public:
    Entry(DiskCalls& calls, MonoTime now, std::string_view what, std::string_view path)
        : calls_(calls), at_(calls.open_.insert(calls.open_.end(), {now, std::string(path), std::string(what)})) {}
    ~Entry() { calls_.open_.erase(at_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    DiskCalls& calls_;
    const std::list<env::OpenCall>::iterator at_;
  };

  std::vector<env::OpenCall> Before(MonoTime time) const {
    std::vector<env::OpenCall> calls;
    for (const env::OpenCall& call : open_) {
      if (call.since < time) calls.push_back(call);
    }
    return calls;
  }

 private:
  std::list<env::OpenCall> open_;  // in the order of their beginnings
};

}  // namespace odradek::real
