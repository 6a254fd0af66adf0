#include "engine/client/partition_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "engine/base/prng.h"

namespace odradek::client {
namespace {

constexpr ProducerIdentity kProducer{ProducerId(7), ProducerEpoch(0)};

class PartitionQueueTest : public ::testing::Test {
 protected:
  BatchPtr NewBatch(uint64_t id, int32_t record_count = 1) {
    auto batch = std::make_shared<ProducerBatch>(id, record::Codec::kNone, 0, now_);
    for (int32_t i = 0; i < record_count; ++i) {
      SendCallback none;
      EXPECT_TRUE(batch->TryAppend({.timestamp = Timestamp(1), .value = AsBytes("v")}, 1 << 20, none));
    }
    return batch;
  }
  // A chain that the broker knows.
  void Prove(PartitionQueue& queue) {
    queue.Push(NewBatch(1));
    queue.OnSuccess(queue.TakeForSend(kProducer));
  }

  base::NullContext context_;
  MonoTime now_ = MonoTime::FromNanos(1000);
};

TEST_F(PartitionQueueTest, GivesNothingWithoutAProducerId) {
  PartitionQueue queue(context_, {});
  queue.Push(NewBatch(1));
  EXPECT_EQ(queue.TakeForSend({}), nullptr);
  EXPECT_NE(queue.TakeForSend(kProducer), nullptr);
}

TEST_F(PartitionQueueTest, SequencesFollowEachOtherAndWrapToZero) {
  PartitionQueue queue(context_, {.first_sequence = std::numeric_limits<int32_t>::max() - 2});
  for (uint64_t id = 1; id <= 3; ++id) queue.Push(NewBatch(id * 10, 2));
  std::vector<int32_t> sequences;
  while (queue.queued_count() > 0) {
    const BatchPtr batch = queue.TakeForSend(kProducer);
    ASSERT_NE(batch, nullptr);
    sequences.push_back(batch->sequence()->base_sequence);
    queue.OnSuccess(batch);
  }
  EXPECT_EQ(sequences, (std::vector<int32_t>{2147483645, 2147483647, 1}));
}

TEST_F(PartitionQueueTest, RetriesGoBackToTheirPlaceAndWaitForEachOther) {
  PartitionQueue queue(context_, {});
  Prove(queue);
  for (uint64_t id = 2; id <= 5; ++id) queue.Push(NewBatch(id));
  std::vector<BatchPtr> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(queue.TakeForSend(kProducer));
  queue.OnRetry(taken[1]);
  queue.OnRetry(taken[0]);
  EXPECT_EQ(queue.TakeForSend(kProducer), nullptr) << "one is still in flight";
  queue.OnRetry(taken[2]);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(queue.TakeForSend(kProducer), taken[static_cast<size_t>(i)]);
    if (i < 2) {
      EXPECT_EQ(queue.TakeForSend(kProducer), nullptr) << "a retry waits for the one before";
    }
    queue.OnSuccess(taken[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(queue.TakeForSend(kProducer)->id(), 5u);
}

TEST_F(PartitionQueueTest, AtMostFiveAreInFlight) {
  PartitionQueue queue(context_, {.max_in_flight = 100});
  Prove(queue);
  for (uint64_t id = 2; id <= 9; ++id) queue.Push(NewBatch(id));
  size_t count = 0;
  while (queue.TakeForSend(kProducer) != nullptr) ++count;
  EXPECT_EQ(count, kSequencedInFlightMax);
}

TEST_F(PartitionQueueTest, EpochsThatAreUsedUpCallForANewProducerId) {
  PartitionQueue queue(context_, {});
  queue.Push(NewBatch(1));
  queue.OnFailure(queue.TakeForSend({ProducerId(7), ProducerEpoch(std::numeric_limits<int16_t>::max() - 1)}));
  queue.Push(NewBatch(2));
  EXPECT_EQ(queue.TakeForSend(kProducer), nullptr);
  EXPECT_TRUE(queue.needs_new_producer_id());
  const BatchPtr batch = queue.TakeForSend({ProducerId(8), ProducerEpoch(0)});
  ASSERT_NE(batch, nullptr);
  EXPECT_EQ(batch->sequence()->producer_id, ProducerId(8));
  EXPECT_FALSE(queue.needs_new_producer_id());
}

// Whatever happens to the attempts: no (epoch, sequence) stands for two batches, a batch that may have been appended
// keeps its bytes, and within an epoch batches are first sent in the order in which they were made.
RC_GTEST_PROP(PartitionQueueProperty, ASequenceBelongsToOneBatchForEver, (uint64_t seed)) {
  base::NullContext context;
  base::Prng prng(seed);
  PartitionQueue queue(context, {.first_sequence = std::numeric_limits<int32_t>::max() - 3});
  std::map<std::pair<int16_t, int32_t>, const ProducerBatch*> owners;
  std::map<const ProducerBatch*, ByteBuffer> frozen;
  std::vector<BatchPtr> kept;
  std::vector<BatchPtr> in_flight;
  std::map<int16_t, uint64_t> last_id;
  uint64_t next_id = 1;
  for (int step = 0; step < 200; ++step) {
    const MonoTime now = MonoTime::FromNanos(step);
    if (prng.Below(3) == 0) {
      auto batch = std::make_shared<ProducerBatch>(next_id++, record::Codec::kNone, 0, now);
      SendCallback none;
      batch->TryAppend({.timestamp = Timestamp(1), .value = AsBytes("v")}, 1 << 20, none);
      kept.push_back(batch);
      queue.Push(batch);
    }
    if (const BatchPtr batch = queue.TakeForSend(kProducer); batch != nullptr) {
      const auto key = std::pair(batch->sequence()->epoch.value(), batch->sequence()->base_sequence);
      const auto [owner, is_new] = owners.try_emplace(key, batch.get());
      RC_ASSERT(owner->second == batch.get());
      if (is_new) {
        RC_ASSERT(batch->id() > last_id[key.first]);
        last_id[key.first] = batch->id();
      }
      const ByteBuffer& bytes = *batch->Bytes();
      if (const auto known = frozen.find(batch.get()); known != frozen.end()) RC_ASSERT(known->second == bytes);
      in_flight.push_back(batch);
    }
    if (in_flight.empty() || prng.Below(2) == 0) continue;
    const size_t index = prng.Below(in_flight.size());
    const BatchPtr batch = in_flight[index];
    in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(index));
    const uint64_t fate = prng.Below(6);
    if (fate == 0) {
      queue.OnFailure(batch);
    } else if (fate <= 2) {
      batch->maybe_appended = batch->maybe_appended || fate == 1;
      if (batch->maybe_appended) frozen.try_emplace(batch.get(), *batch->Bytes());
      if (prng.Below(8) == 0) queue.BreakChain();
      queue.OnRetry(batch);
    } else {
      queue.OnSuccess(batch);
    }
    if (prng.Below(20) == 0) {
      for (const BatchPtr& expired : queue.Expire(now - Duration::Nanos(30))) {
        if (std::ranges::find(in_flight, expired) == in_flight.end()) continue;
        std::erase(in_flight, expired);
        queue.OnDiscarded(expired);
      }
    }
  }
}

}  // namespace
}  // namespace odradek::client
