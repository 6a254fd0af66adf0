// Writes the evidence of a run down: into its hash and its trace, too. One per run; never suspends.
#pragma once

#include <set>
#include <span>
#include <string>

#include "engine/client/consumer_records.h"
#include "sim/kernel/kernel.h"
#include "sim/lab/evidence.h"

namespace odradek::lab {

class Journal {
 public:
  Journal(sim::Kernel& kernel, const history::History& history) : kernel_(kernel), evidence_(history) {}
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // At this time.
  void Add(Note note);
  // A partition read to its end. Replaces what was read of it before.
  void SetContents(const TopicPartition& partition, std::span<const client::PartitionRecords> polled,
                   Offset end_offset);
  bool has_contents(const TopicPartition& partition) const { return read_.contains(partition); }

  const Evidence& evidence() const { return evidence_; }

 private:
  sim::Kernel& kernel_;
  Evidence evidence_;
  std::set<TopicPartition> read_;
};

}  // namespace odradek::lab
