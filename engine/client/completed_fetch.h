// The bytes that one Fetch brought for one partition, given out record by record. Owned by the consumer. Pure; nothing
// suspends; the bytes are input and never asserted on.
//
// Invariants:
//  1. Only records at or behind the fetch offset are given out, in the order of their offsets (CL09). Base offsets are
//     outside of the checksum: a batch that lies wholly before the position, or reaches into the next one, is damaged.
//     Apache Kafka's consumer passes over the one and takes the other.
//  2. At the end of a batch next_offset() stands behind the batch's last offset, whatever records it still has
//     (SEMANTICS.md 20).
//  3. With read_committed, records of aborted transactions and, at both levels, control records are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/context.h"
#include "engine/client/config.h"
#include "engine/client/consumer_records.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/record/batch.h"
#include "engine/record/record_iterator.h"

namespace odradek::client {

class CompletedFetch {
 public:
  using Aborted = protocol::FetchResponse::AbortedTransaction;
  struct Options {
    IsolationLevel isolation_level = IsolationLevel::kReadUncommitted;
    CrcCheck check_crcs = CrcCheck::kOn;
  };
  struct Data {
    Bytes records;
    std::shared_ptr<const void> keep_alive;
    std::vector<Aborted> aborted;
    Offset fetch_offset;
    MonoTime asked_at;
    Offset high_watermark = kNoOffset;  // as the answer says; kNoOffset: it does not
  };

  CompletedFetch(base::Context& context, Options options, Data data);

  // Appends up to `count_max` records.
  void Take(int32_t count_max, PartitionRecords& out);

  // Everything was given out, or there is a problem behind what was given out.
  bool is_done() const { return done_; }
  // Empty: none.
  const std::string& problem() const { return problem_; }
  // The next batch lies beyond the high watermark of the answer. A broker may read further than it said; then the next
  // answer says more. Nothing of the batch was given out.
  bool is_ahead() const { return is_ahead_; }
  Offset next_offset() const { return next_offset_; }
  MonoTime asked_at() const { return data_.asked_at; }
  // Of the last batch that was looked at.
  LeaderEpoch last_epoch() const { return last_epoch_; }

 private:
  // False: the end, or a problem.
  bool NextBatch();
  // Of what the checksum does not cover; empty: nothing.
  std::string WhatIsWrong(const record::BatchHeader& header) const;
  bool IsAborted(const record::BatchHeader& header);
  void NoteMarker(const record::BatchHeader& header, Bytes batch);
  void Fail(const record::BatchProblem& problem, Offset base_offset);
  void EndBatch();

  base::Context& context_;
  const Options options_;
  const Data data_;
  record::BatchCursor cursor_;
  std::vector<Aborted> aborted_;  // by first offset, the next one last
  std::set<int64_t> aborted_producers_;
  record::BatchHeader batch_;
  std::shared_ptr<record::RecordIterator> records_;  // of batch_; null between batches
  Offset next_offset_;
  LeaderEpoch last_epoch_ = kNoLeaderEpoch;
  bool found_batch_ = false;
  bool is_ahead_ = false;
  bool done_ = false;
  std::string problem_;
};

}  // namespace odradek::client
