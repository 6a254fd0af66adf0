// The answers of one server connection, sent in the order in which their requests came, whatever the order in which
// they become ready; everything that is ready at the end of a round leaves in one Send (SPEED_DESIGN.md 2.1, 2.2).
//
// AnswerQueue belongs to the connection's reader fiber; AnswerFlusher to the shard, one for all connections. Reserve
// and the Fill functions never suspend. The sender is a fiber that exists only while there is something to send: an
// idle connection pays for one stack, its reader's.
//
// Invariants:
//  1. A slot is an index: reserved once, filled at most once, sent or dropped in the order of the indices.
//  2. After a failed Send or a closing answer the connection is closed and every other answer is dropped.
//  3. What an answer keeps alive lives until its Send has returned.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "engine/base/bytes.h"
#include "engine/base/ring.h"
#include "engine/base/strong.h"
#include "engine/env/env.h"
#include "engine/fiber/fiber.h"
#include "engine/net/buffers.h"

namespace odradek::net {

// Bytes that somebody else owns; `keep_alive` holds them.
struct BorrowedBytes {
  Bytes bytes;
  std::shared_ptr<const void> keep_alive;
};
// A range of a file; `keep_alive` holds the file open.
struct BorrowedFile {
  env::FileRange range;
  std::shared_ptr<const void> keep_alive;
};
using OutPart = std::variant<ByteBuffer, BorrowedBytes, BorrowedFile>;

// One frame, its length included.
using OutParts = absl::InlinedVector<OutPart, 1>;

// Views into `parts` for Connection::Send; empty parts are left out.
using PartViews = absl::InlinedVector<env::Part, 8>;
void AppendViews(const OutParts& parts, PartViews& views);
int64_t SizeBytes(const OutParts& parts);

enum class AfterAnswer : uint8_t { kKeepOpen, kClose };

class AnswerQueue;

// Wakes the queues that have something to send at the end of the round.
class AnswerFlusher final : public env::RoundTask {
 public:
  explicit AnswerFlusher(env::Rounds& rounds) : rounds_(rounds) {}
  // REQUIRES: no queue is left.
  ~AnswerFlusher() override;
  AnswerFlusher(const AnswerFlusher&) = delete;
  AnswerFlusher& operator=(const AnswerFlusher&) = delete;

  void OnRoundEnd() override;
  // What answers were encoded into, once they have left.
  SpareBuffers& spare_buffers() { return spare_buffers_; }

 private:
  friend class AnswerQueue;
  void Request(AnswerQueue& queue);
  void Forget(AnswerQueue& queue);

  env::Rounds& rounds_;
  SpareBuffers spare_buffers_;
  bool pending_ = false;
  std::vector<AnswerQueue*> requested_;
  std::vector<AnswerQueue*> starting_;  // empty outside OnRoundEnd
};

class AnswerQueue {
 public:
  using Slot = base::Strong<struct AnswerSlotTag, uint64_t>;

  // The sender fiber runs in `group`. REQUIRES: all outlive the queue; the group is joined (or its fibers gone) before
  // the queue ends.
  AnswerQueue(env::Connection& connection, AnswerFlusher& flusher, fiber::TaskGroup& group);
  ~AnswerQueue();
  AnswerQueue(const AnswerQueue&) = delete;
  AnswerQueue& operator=(const AnswerQueue&) = delete;

  // A place in the order. Every slot must be filled, also when the connection is closed meanwhile.
  Slot Reserve();

  // REQUIRES (all): the slot is reserved and not filled.
  void Fill(Slot slot, OutParts answer, AfterAnswer after = AfterAnswer::kKeepOpen);
  // Nothing is sent for this request (acks=0).
  void FillNothing(Slot slot);
  // Closes the connection when the answers before this one have left.
  void FillClose(Slot slot);

  // Closes the connection now; what was not sent is dropped.
  void Close();

  // Waits until fewer than `unsent_count_max` slots are reserved and unsent, or the queue is closed.
  void WaitForRoom(fiber::Fiber& self, size_t unsent_count_max);
  // Waits until everything reserved was filled and has left, or the queue is closed.
  void WaitUntilSent(fiber::Fiber& self) { WaitForRoom(self, 1); }

  // Reserved, not yet sent.
  size_t unsent_count() const { return answers_.size(); }
  bool is_closed() const { return closed_; }
  // kNone unless a Send failed.
  env::NetError error() const { return error_; }
  int64_t send_count() const { return send_count_; }

 private:
  friend class AnswerFlusher;
  enum class State : uint8_t { kReserved, kReady };
  struct Answer {
    State state = State::kReserved;
    AfterAnswer after = AfterAnswer::kKeepOpen;
    OutParts parts;
  };

  void SetReady(Slot slot, OutParts parts, AfterAnswer after);
  bool FrontIsReady() const { return !answers_.empty() && answers_.front().state == State::kReady; }
  void StartSender();
  void RunSender(fiber::Fiber& self);
  // Keeps the memory of sent parts.
  void TakeBack(OutParts& parts);
  void CloseConnection(env::NetError error);
  void DropReady();

  env::Connection& connection_;
  AnswerFlusher& flusher_;
  fiber::TaskGroup& group_;
  base::Ring<Answer> answers_;
  uint64_t first_slot_ = 0;  // of answers_.front()
  bool flush_requested_ = false;
  bool sender_running_ = false;
  bool closed_ = false;
  env::NetError error_ = env::NetError::kNone;
  int64_t send_count_ = 0;
  fiber::WaitQueue progress_;
};

}  // namespace odradek::net
