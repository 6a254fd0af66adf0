// Notices a disk that hangs: calls that neither return nor fail, of which nothing else would ever hear. Owned by its
// shard; one fiber looks at intervals.
//
// A log directory whose disk keeps a call for longer than odradek.log.dir.hang.timeout.ms counts as failed, as Kafka
// treats one that answers with an error: its logs go offline and clients hear KAFKA_STORAGE_ERROR, the other
// directories go on. The node ends, so that a supervisor or another node takes over, if it is the directory of the
// metadata log, if the node is loading or stopping and cannot get on, or if the metadata cannot be put into effect
// because of it. Kafka itself waits for ever.
#pragma once

#include <string>

#include "engine/broker/log_directories.h"
#include "engine/env/env.h"
#include "engine/fiber/sync.h"

namespace odradek::broker {

class DiskWatch {
 public:
  struct Options {
    Duration patience;
  };
  // The directories outlive it.
  DiskWatch(env::Env& env, LogDirectories& directories, const Options& options)
      : env_(env), directories_(directories), options_(options) {}

  // Until `end` is set.
  void Run(fiber::Fiber& self, fiber::Event& end);

  // Loading, stopping and putting metadata into effect must come to an end: while one of these lives, a hang of any
  // directory ends the node.
  class MustFinish {
   public:
    MustFinish(DiskWatch& watch, MonoTime now);
    ~MustFinish();
    MustFinish(const MustFinish&) = delete;
    MustFinish& operator=(const MustFinish&) = delete;

   private:
    DiskWatch& watch_;
  };

 private:
  void Look(fiber::Fiber& self);

  env::Env& env_;
  LogDirectories& directories_;
  const Options options_;
  int32_t must_finish_count_ = 0;
  MonoTime must_finish_since_ = MonoTime::Never();
};

}  // namespace odradek::broker
