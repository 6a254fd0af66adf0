#include "sim/workload/recorder.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "engine/base/check.h"

namespace odradek::workload {
namespace {

std::string_view QueryName(history::OffsetQuery query) {
  switch (query) {
    case history::OffsetQuery::kEarliest:
      return "earliest";
    case history::OffsetQuery::kLatest:
      return "latest";
    case history::OffsetQuery::kMaxTimestamp:
      return "largest timestamp";
    case history::OffsetQuery::kByTimestamp:
      return "timestamp";
  }
  return "unknown";
}

}  // namespace

Recorder::SendIndex Recorder::BeginSend(history::Send send) {
  send.span = {.invoked_ns = NowNanos(), .completed_ns = INT64_MAX};
  Fold(send.value, static_cast<uint64_t>(send.timestamp.value()));
  Trace([&] { return fmt::format("client {} sends {} to {}", send.client, send.value, ToString(send.partition)); });
  history_.sends.push_back(std::move(send));
  return history_.sends.size() - 1;
}

void Recorder::EndSend(SendIndex index, const SendEnd& end) {
  REQUIRES(index < history_.sends.size());
  history::Send& send = history_.sends[index];
  REQUIRES(send.span.completed_ns == INT64_MAX);
  send.span.completed_ns = NowNanos();
  send.outcome = end.outcome;
  send.offset = end.offset;
  send.acked_timestamp = end.timestamp;
  send.error = end.error;
  Fold(send.value, static_cast<uint64_t>(end.offset.value()) * 4 + static_cast<uint64_t>(end.outcome));
  Trace([&] {
    return fmt::format("client {} value {} {} at {}@{} error={}", send.client, send.value,
                       history::ToString(end.outcome), ToString(send.partition), end.offset.value(), end.error);
  });
}

void Recorder::Add(history::Poll poll) {
  poll.span.completed_ns = NowNanos();
  Fold(static_cast<uint64_t>(poll.position_before.value()), static_cast<uint64_t>(poll.position_after.value()));
  for (const history::PolledRecord& record : poll.records) {
    Fold(static_cast<uint64_t>(record.offset.value()), record.value);
  }
  Trace([&] {
    std::string values;
    for (const history::PolledRecord& record : poll.records) values += fmt::format(" {}", record.value);
    return fmt::format("client {} polls {}@{} to {}:{}", poll.client, ToString(poll.partition),
                       poll.position_before.value(), poll.position_after.value(), values);
  });
  history_.polls.push_back(std::move(poll));
}

void Recorder::Add(history::ListOffsets call) {
  call.span.completed_ns = NowNanos();
  Fold(static_cast<uint64_t>(call.query), static_cast<uint64_t>(call.offset.value()));
  Trace([&] {
    return fmt::format("client {} asks {} for the {} offset ({}): {} {} timestamp={}", call.client,
                       ToString(call.partition), QueryName(call.query), call.timestamp.value(),
                       history::ToString(call.outcome), call.offset.value(), call.found_timestamp.value());
  });
  history_.list_offsets.push_back(std::move(call));
}

void Recorder::Add(history::DeleteRecords call) {
  call.span.completed_ns = NowNanos();
  Fold(static_cast<uint64_t>(call.before.value()), static_cast<uint64_t>(call.low_watermark.value()));
  Trace([&] {
    return fmt::format("client {} deletes {} before {}: {} low_watermark={}", call.client, ToString(call.partition),
                       call.before.value(), history::ToString(call.outcome), call.low_watermark.value());
  });
  history_.delete_records.push_back(std::move(call));
}

void Recorder::Add(history::TopicDeletion call) {
  call.span.completed_ns = NowNanos();
  if (kernel_ != nullptr) kernel_->FoldBytes(AsBytes(call.topic));
  Trace([&] {
    return fmt::format("client {} deletes topic {}: {}", call.client, call.topic, history::ToString(call.outcome));
  });
  history_.topic_deletions.push_back(std::move(call));
}

void Recorder::Add(history::Refusal refusal) {
  refusal.span.completed_ns = NowNanos();
  Fold(static_cast<uint64_t>(refusal.client), static_cast<uint64_t>(refusal.error));
  Trace([&] {
    return fmt::format("client {} asks what must be refused: {}: error={}", refusal.client, refusal.what,
                       refusal.error);
  });
  history_.refusals.push_back(std::move(refusal));
}

void Recorder::Add(history::FetchShape shape) {
  shape.span.completed_ns = NowNanos();
  Fold(static_cast<uint64_t>(shape.named_count), static_cast<uint64_t>(shape.distinct_count));
  history_.fetch_shapes.push_back(shape);
}

void Recorder::Add(history::FinalRead read) {
  read.span.completed_ns = NowNanos();
  Fold(static_cast<uint64_t>(read.log_start_offset.value()), static_cast<uint64_t>(read.end_offset.value()));
  Trace([&] {
    return fmt::format("final read of {}: {} to {}, {} records", ToString(read.partition),
                       read.log_start_offset.value(), read.end_offset.value(), read.records.size());
  });
  for (history::FinalRead& earlier : history_.final_reads) {
    if (earlier.partition != read.partition) continue;
    earlier = std::move(read);
    return;
  }
  history_.final_reads.push_back(std::move(read));
}

void Recorder::FinalReadsBecomePolls(history::ClientId reader) {
  for (history::FinalRead& read : history_.final_reads) {
    Add(history::Poll{.span = read.span,
                      .client = reader,
                      .partition = read.partition,
                      .position_before = read.log_start_offset,
                      .position_after = read.end_offset,
                      .records = std::move(read.records)});
  }
  history_.final_reads.clear();
}

}  // namespace odradek::workload
