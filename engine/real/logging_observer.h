// The observer of a node that nobody else observes: counts what the engine did, for metrics, and says it in the log. At
// info what an operator wants to know (topics made and deleted, logs recovered after a crash), at debug the rest but
// for what every request does. A level that is off costs one look into a table. Owned by the shard; used by its thread
// only.
#pragma once

#include "engine/env/observer.h"
#include "engine/real/counting_observer.h"
#include "engine/real/log.h"

namespace odradek::real {

class LoggingObserver final : public env::Observer {
 public:
  explicit LoggingObserver(RealLog& log) : log_(log) {}

  void On(const env::Observation& observation) override;
  const CountingObserver& counts() const { return counts_; }

 private:
  CountingObserver counts_;
  RealLog& log_;
};

}  // namespace odradek::real
