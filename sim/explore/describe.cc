#include "sim/explore/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace odradek::explore {
namespace {

constexpr size_t kLinesMax = 60;
constexpr size_t kValuesMax = 12;

// Lines by the time of what they tell.
using Timeline = std::multimap<int64_t, std::string>;

bool Concerns(const history::Span& span, const std::vector<int64_t>& at_ns) {
  return std::any_of(at_ns.begin(), at_ns.end(),
                     [&](int64_t at) { return at == span.invoked_ns || at == span.completed_ns; });
}

std::string SpanText(const history::Span& span) {
  return span.completed_ns == INT64_MAX
             ? fmt::format("from {}, never ended", SecondsText(span.invoked_ns))
             : fmt::format("{} to {}", SecondsText(span.invoked_ns), SecondsText(span.completed_ns));
}

void AddSends(const history::History& history, const std::vector<int64_t>& at_ns, Timeline& lines) {
  for (const history::Send& send : history.sends) {
    if (!Concerns(send.span, at_ns)) continue;
    lines.emplace(send.span.invoked_ns,
                  fmt::format("{}: client {} session {} sent {} to {}{} acks={}: {} offset={} error={}",
                              SpanText(send.span), send.client, send.session, send.value, ToString(send.partition),
                              send.idempotent ? " idempotent" : "", static_cast<int>(send.acks),
                              history::ToString(send.outcome), send.offset.value(), send.error));
  }
}

void AddReads(const history::History& history, const std::vector<int64_t>& at_ns, Timeline& lines) {
  for (const history::Poll& poll : history.polls) {
    if (!Concerns(poll.span, at_ns)) continue;
    std::string values;
    for (size_t i = 0; i < std::min(poll.records.size(), kValuesMax); ++i) {
      values += fmt::format(" {}@{}", poll.records[i].value, poll.records[i].offset.value());
    }
    if (poll.records.size() > kValuesMax) values += " ...";
    lines.emplace(poll.span.invoked_ns,
                  fmt::format("{}: client {} assignment {} polled {} from {} to {}:{}", SpanText(poll.span),
                              poll.client, poll.assignment, ToString(poll.partition), poll.position_before.value(),
                              poll.position_after.value(), values));
  }
  for (const history::ListOffsets& call : history.list_offsets) {
    if (!Concerns(call.span, at_ns)) continue;
    lines.emplace(call.span.invoked_ns,
                  fmt::format("{}: client {} listed offsets of {} (query {}, timestamp {}): {} offset={} timestamp={}",
                              SpanText(call.span), call.client, ToString(call.partition), static_cast<int>(call.query),
                              call.timestamp.value(), history::ToString(call.outcome), call.offset.value(),
                              call.found_timestamp.value()));
  }
}

void AddChanges(const history::History& history, const std::vector<int64_t>& at_ns, Timeline& lines) {
  for (const history::DeleteRecords& call : history.delete_records) {
    if (!Concerns(call.span, at_ns)) continue;
    lines.emplace(call.span.invoked_ns,
                  fmt::format("{}: client {} deleted records of {} before {}: {} low_watermark={}", SpanText(call.span),
                              call.client, ToString(call.partition), call.before.value(),
                              history::ToString(call.outcome), call.low_watermark.value()));
  }
  for (const history::LogStart& start : history.log_starts) {
    if (!Concerns({start.at_ns, start.at_ns}, at_ns)) continue;
    lines.emplace(start.at_ns, fmt::format("{}: the log of {} starts at {}", SecondsText(start.at_ns),
                                           ToString(start.partition), start.log_start_offset.value()));
  }
  for (const history::LogLoss& loss : history.losses) {
    lines.emplace(loss.at_ns, fmt::format("{}: the log of {} ended at {}, durable up to {}, and came back up to {}",
                                          SecondsText(loss.at_ns), ToString(loss.partition), loss.end_before.value(),
                                          loss.durable_end.value(), loss.recovered_end.value()));
  }
}

}  // namespace

std::string SecondsText(int64_t ns) {
  return fmt::format("{}.{:09}", ns / 1'000'000'000, ns % 1'000'000'000);
}

std::vector<std::string> DescribeEvidence(const history::History& history, const history::Violation& violation) {
  Timeline lines;
  AddSends(history, violation.at_ns, lines);
  AddReads(history, violation.at_ns, lines);
  AddChanges(history, violation.at_ns, lines);
  for (const history::NodeEvent& event : history.node_events) {
    lines.emplace(event.at_ns,
                  fmt::format("{}: {} {}", SecondsText(event.at_ns), event.node, history::ToString(event.kind)));
  }
  std::vector<std::string> text;
  for (const auto& [at_ns, line] : lines) text.push_back(line);
  if (text.size() > kLinesMax) text.resize(kLinesMax);
  return text;
}

}  // namespace odradek::explore
