#include "engine/net/answer_queue.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::net {
namespace {

env::Part ViewOf(const OutPart& part) {
  if (const auto* owned = std::get_if<ByteBuffer>(&part)) return Bytes(*owned);
  if (const auto* bytes = std::get_if<BorrowedBytes>(&part)) return bytes->bytes;
  return std::get<BorrowedFile>(part).range;
}

int64_t SizeOf(const env::Part& part) {
  if (const auto* bytes = std::get_if<Bytes>(&part)) return static_cast<int64_t>(bytes->size());
  return std::get<env::FileRange>(part).size_bytes;
}

}  // namespace

void AppendViews(const OutParts& parts, PartViews& views) {
  for (const OutPart& part : parts) {
    const env::Part view = ViewOf(part);
    if (SizeOf(view) > 0) views.push_back(view);
  }
}

int64_t SizeBytes(const OutParts& parts) {
  int64_t size_bytes = 0;
  for (const OutPart& part : parts) size_bytes += SizeOf(ViewOf(part));
  return size_bytes;
}

AnswerFlusher::~AnswerFlusher() {
  INVARIANT(requested_.empty());
}

void AnswerFlusher::Request(AnswerQueue& queue) {
  requested_.push_back(&queue);
  if (pending_) return;
  pending_ = true;
  rounds_.AtRoundEnd(*this);
}

void AnswerFlusher::Forget(AnswerQueue& queue) {
  std::erase(requested_, &queue);
}

void AnswerFlusher::OnRoundEnd() {
  pending_ = false;
  starting_.swap(requested_);
  for (AnswerQueue* queue : starting_) queue->StartSender();
  starting_.clear();
}

AnswerQueue::AnswerQueue(env::Connection& connection, AnswerFlusher& flusher, fiber::TaskGroup& group)
    : connection_(connection), flusher_(flusher), group_(group) {}

AnswerQueue::~AnswerQueue() {
  if (flush_requested_) flusher_.Forget(*this);
}

AnswerQueue::Slot AnswerQueue::Reserve() {
  answers_.emplace_back();
  return Slot(first_slot_ + answers_.size() - 1);
}

void AnswerQueue::SetReady(Slot slot, OutParts parts, AfterAnswer after) {
  REQUIRES(slot.value() >= first_slot_ && slot.value() - first_slot_ < answers_.size());
  Answer& answer = answers_[slot.value() - first_slot_];
  REQUIRES(answer.state == State::kReserved);
  answer.state = State::kReady;
  if (closed_) {
    DropReady();
    return;
  }
  answer.after = after;
  answer.parts = std::move(parts);
  if (!FrontIsReady() || sender_running_ || flush_requested_) return;
  flush_requested_ = true;
  flusher_.Request(*this);
}

void AnswerQueue::Fill(Slot slot, OutParts answer, AfterAnswer after) {
  REQUIRES(!answer.empty());
  SetReady(slot, std::move(answer), after);
}

void AnswerQueue::FillNothing(Slot slot) {
  SetReady(slot, {}, AfterAnswer::kKeepOpen);
}

void AnswerQueue::FillClose(Slot slot) {
  SetReady(slot, {}, AfterAnswer::kClose);
}

void AnswerQueue::Close() {
  if (!closed_) CloseConnection(env::NetError::kClosed);
}

void AnswerQueue::WaitForRoom(fiber::Fiber& self, size_t unsent_count_max) {
  REQUIRES(unsent_count_max > 0);
  while (answers_.size() >= unsent_count_max && !closed_) progress_.Wait(self);
}

void AnswerQueue::StartSender() {
  flush_requested_ = false;
  if (sender_running_ || closed_) return;
  sender_running_ = true;
  group_.Spawn("answer sender", [this](fiber::Fiber& self) { RunSender(self); });
}

void AnswerQueue::RunSender(fiber::Fiber& self) {
  INVARIANT(sender_running_);
  while (FrontIsReady() && !closed_) {
    // The answers stay in the queue while they are sent, so that they count as unsent; their parts move out, since the
    // queue's memory moves when slots are reserved meanwhile.
    absl::InlinedVector<OutParts, 4> sending;
    PartViews views;
    auto after = AfterAnswer::kKeepOpen;
    size_t count = 0;
    while (count < answers_.size() && answers_[count].state == State::kReady && after == AfterAnswer::kKeepOpen) {
      after = answers_[count].after;
      sending.push_back(std::move(answers_[count].parts));
      ++count;
    }
    for (const OutParts& parts : sending) AppendViews(parts, views);
    if (!views.empty()) {
      ++send_count_;
      const env::NetError error = connection_.Send(self, views);
      if (error != env::NetError::kNone) CloseConnection(error);
    }
    for (OutParts& parts : sending) TakeBack(parts);
    if (closed_) break;
    INVARIANT(answers_.size() >= count);
    first_slot_ += count;
    for (; count > 0; --count) answers_.pop_front();
    if (after == AfterAnswer::kClose) CloseConnection(env::NetError::kNone);
    progress_.WakeAll();
  }
  sender_running_ = false;
}

void AnswerQueue::TakeBack(OutParts& parts) {
  for (OutPart& part : parts) {
    if (auto* buffer = std::get_if<ByteBuffer>(&part)) flusher_.spare_buffers().GiveBack(std::move(*buffer));
  }
}

void AnswerQueue::CloseConnection(env::NetError error) {
  closed_ = true;
  error_ = error;
  for (size_t i = 0; i < answers_.size(); ++i) answers_[i].parts.clear();
  DropReady();
  connection_.Close();
  progress_.WakeAll();
}

void AnswerQueue::DropReady() {
  while (FrontIsReady()) {
    answers_.pop_front();
    ++first_slot_;
  }
}

}  // namespace odradek::net
