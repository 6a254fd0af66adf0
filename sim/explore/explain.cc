#include "sim/explore/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/explore/describe.h"
#include "sim/explore/sentences.h"
#include "sim/explore/summary.h"

namespace odradek::explore {
namespace {

// What a reader takes in: more is counted, not shown.
constexpr size_t kViolationsMax = 5;
constexpr size_t kRecordsMax = 6;
constexpr size_t kStoryLinesMax = 80;
constexpr size_t kReadsMax = 4;
constexpr history::ClientId kFirstFinalReader = 1000;

// A record that a violation is about. A value without an offset: nobody said where it is.
struct Subject {
  TopicPartition partition;
  Offset offset = kNoOffset;
  std::optional<history::Value> value;
  friend auto operator<=>(const Subject&, const Subject&) = default;
};

template <typename Number>
std::optional<Number> ParseLeadingNumber(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

// "orders-3@17", perhaps with a comma behind it.
std::optional<Subject> ParsePlace(std::string_view word) {
  const size_t at = word.find('@');
  const size_t dash = word.rfind('-', at);
  if (at == std::string_view::npos || dash == std::string_view::npos) return std::nullopt;
  const auto partition = ParseLeadingNumber<int32_t>(word.substr(dash + 1, at - dash - 1));
  const auto offset = ParseLeadingNumber<int64_t>(word.substr(at + 1));
  if (!partition || !offset) return std::nullopt;
  return Subject{{std::string(word.substr(0, dash)), PartitionIndex(*partition)}, Offset(*offset), std::nullopt};
}

// Lines by their time, each once.
class StoryLines {
 public:
  void Add(int64_t at_ns, std::string_view who, const std::string& what) {
    lines_.emplace(at_ns, fmt::format("{:<6} {}", who, what));
  }
  bool empty() const { return lines_.empty(); }
  bool HasLineAt(int64_t at_ns) const {
    const auto at = lines_.lower_bound({at_ns, ""});
    return at != lines_.end() && at->first == at_ns;
  }
  int64_t begin_ns() const { return lines_.begin()->first; }
  int64_t end_ns() const { return lines_.rbegin()->first; }
  std::string Text() const {
    std::string text;
    size_t count = 0;
    for (const auto& [at_ns, line] : lines_) {
      if (++count > kStoryLinesMax) break;
      text += fmt::format("  {:>14}  {}\n", SecondsText(at_ns), line);
    }
    if (lines_.size() > kStoryLinesMax) text += fmt::format("  and {} lines more\n", lines_.size() - kStoryLinesMax);
    return text;
  }

 private:
  std::set<std::pair<int64_t, std::string>> lines_;
};

class Story {
 public:
  Story(const ExplainInput& input, const history::Violation& violation)
      : input_(input), history_(input.report.history), violation_(violation) {
    for (const auto& server : ServersOf(input.scenario.topology())) servers_.insert(server.name);
  }

  std::string Text() {
    std::string text = fmt::format("{}: {}\n", violation_.property, violation_.what);
    const std::string sentence = SentenceOf(violation_.property, input_.lab);
    if (!sentence.empty()) text += fmt::format("  must hold: {}\n", sentence);
    FindSubjects();
    AddOperations();
    size_t told = 0;
    for (const Subject& subject : subjects_) {
      if (++told <= kRecordsMax) AddLife(subject);
    }
    if (subjects_.size() > kRecordsMax) {
      text += fmt::format("  it is about {} records; the lives of {} are told\n", subjects_.size(), kRecordsMax);
    }
    AddFaultsAndDeaths();
    for (const int64_t at_ns : violation_.at_ns) {
      if (!timeline_.HasLineAt(at_ns)) timeline_.Add(at_ns, "", "(the violation names this moment)");
    }
    return text + timeline_.Text();
  }

 private:
  bool Concerns(const history::Span& span) const {
    return std::any_of(violation_.at_ns.begin(), violation_.at_ns.end(),
                       [&](int64_t at) { return at == span.invoked_ns || at == span.completed_ns; });
  }
  bool Concerns(int64_t at_ns) const { return Concerns(history::Span{at_ns, at_ns}); }

  std::string ClientName(history::ClientId client) const {
    const Scenario& scenario = input_.scenario;
    if (client >= kFirstFinalReader) return "reader";
    int32_t index = client - 1;
    const std::pair<int32_t, std::string (*)(int32_t)> kinds[] = {{scenario.producers().count(), &ProducerName},
                                                                  {scenario.consumers().count(), &ConsumerName},
                                                                  {scenario.admins().count(), &AdminName},
                                                                  {scenario.strangers().count(), &StrangerName}};
    for (const auto& [count, name] : kinds) {
      if (index < count) return name(index);
      index -= count;
    }
    return fmt::format("client {}", client);
  }

  // Records that the sentence names, and those of sends at the times that matter.
  void FindSubjects() {
    std::string_view rest = violation_.what;
    std::string_view word_before;
    while (!rest.empty()) {
      const size_t space = rest.find(' ');
      const std::string_view word = rest.substr(0, space);
      if (const auto place = ParsePlace(word)) AddSubject(*place);
      if (word_before == "value" || word_before == "values") {
        if (const auto value = ParseLeadingNumber<history::Value>(word)) AddValue(*value);
      }
      word_before = word;
      rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
    }
    for (const history::Send& send : history_.sends) {
      if (Concerns(send.span)) AddValue(send.value);
    }
  }

  void AddSubject(const Subject& subject) {
    const bool is_known = std::any_of(subjects_.begin(), subjects_.end(), [&](const Subject& known) {
      return known.partition == subject.partition && known.offset == subject.offset &&
             (!subject.value.has_value() || known.value == subject.value);
    });
    if (!is_known) subjects_.push_back(subject);
  }

  // Where it was acknowledged; if it was not, where it was read.
  void AddValue(history::Value value) {
    for (const history::Send& send : history_.sends) {
      if (send.value != value) continue;
      Subject subject{send.partition, send.offset, value};
      for (const history::FinalRead& read : history_.final_reads) {
        for (const history::PolledRecord& record : read.records) {
          if (subject.offset == kNoOffset && record.value == value) subject.offset = record.offset;
        }
      }
      std::erase_if(subjects_, [&](const Subject& known) {
        return !known.value && known.partition == subject.partition && known.offset == subject.offset;
      });
      AddSubject(subject);
      clients_.insert(ClientName(send.client));
    }
  }

  void AddOperations() {
    for (const history::Poll& poll : history_.polls) {
      if (!Concerns(poll.span)) continue;
      timeline_.Add(poll.span.completed_ns, ClientName(poll.client),
                    fmt::format("polled {} from {} to {}: {} records", ToString(poll.partition),
                                poll.position_before.value(), poll.position_after.value(), poll.records.size()));
    }
    for (const history::ListOffsets& call : history_.list_offsets) {
      if (!Concerns(call.span)) continue;
      timeline_.Add(call.span.completed_ns, ClientName(call.client),
                    fmt::format("was told offset {} of {}, asked at {}", call.offset.value(), ToString(call.partition),
                                SecondsText(call.span.invoked_ns)));
    }
    for (const history::DeleteRecords& call : history_.delete_records) {
      if (!Concerns(call.span)) continue;
      timeline_.Add(call.span.completed_ns, ClientName(call.client),
                    fmt::format("deleted the records of {} before {}: {}", ToString(call.partition),
                                call.before.value(), history::ToString(call.outcome)));
    }
    for (const lab::Note& note : input_.report.notes) {
      if (Concerns(note.at_ns)) {
        timeline_.Add(note.at_ns, note.node, fmt::format("{} {} {}", note.what, note.key, note.value));
      }
    }
  }

  void AddLife(const Subject& subject) {
    const std::string name = NameOf(subject);
    if (subject.value.has_value()) AddSend(*subject.value, name);
    if (subject.offset == kNoOffset) return;
    AddDeeds(subject, name);
    AddReads(subject, name);
  }

  std::string NameOf(const Subject& subject) const {
    const std::string value = subject.value ? fmt::format(" (value {})", *subject.value) : "";
    if (subject.offset == kNoOffset) return fmt::format("a record of {}{}", ToString(subject.partition), value);
    return fmt::format("{}@{}{}", ToString(subject.partition), subject.offset.value(), value);
  }

  void AddSend(history::Value value, const std::string& name) {
    for (const history::Send& send : history_.sends) {
      if (send.value != value) continue;
      const std::string who = ClientName(send.client);
      timeline_.Add(
          send.span.invoked_ns, who,
          fmt::format("sends {}{}, acks={}", name, send.idempotent ? ", idempotent" : "", static_cast<int>(send.acks)));
      if (send.span.completed_ns == INT64_MAX) continue;
      const std::string how =
          send.outcome == history::Outcome::kOk     ? fmt::format("is acknowledged at offset {}", send.offset.value())
          : send.outcome == history::Outcome::kFail ? fmt::format("failed with error {}", send.error)
                                                    : fmt::format("has an unknown outcome, error {}", send.error);
      timeline_.Add(send.span.completed_ns, who, fmt::format("{} {}", name, how));
    }
  }

  // Of the log: whether the record is in it, durable and visible changes with these.
  void AddDeeds(const Subject& subject, const std::string& name) {
    const Offset offset = subject.offset;
    bool is_there = false;
    bool is_durable = false;
    bool is_visible = false;
    const auto lose = [&](const Deed& deed, const std::string& how) {
      if (is_there) timeline_.Add(deed.at_ns, deed.node, fmt::format("{} {}", name, how));
      is_there = is_durable = is_visible = false;
    };
    for (const Deed& deed : input_.deeds) {
      if (deed.partition != subject.partition) continue;
      const std::string& who = deed.node;
      const bool is_within = deed.begin <= offset && offset < deed.end;
      const bool is_below = offset < deed.end;
      switch (deed.kind) {
        case DeedKind::kAppended:
          if (!is_within) break;
          is_there = true;
          is_durable = is_visible = false;
          timeline_.Add(deed.at_ns, who,
                        fmt::format("{} is appended (batch {} to {})", name, deed.begin.value(), deed.end.value() - 1));
          break;
        case DeedKind::kFlushed:
          if (!is_there || is_durable || !is_below) break;
          is_durable = true;
          timeline_.Add(deed.at_ns, who, fmt::format("{} is durable: synced up to {}", name, deed.end.value()));
          break;
        case DeedKind::kVisible:
          if (!is_there || is_visible || !is_below) break;
          is_visible = true;
          timeline_.Add(deed.at_ns, who, fmt::format("{} is visible: high watermark {}", name, deed.end.value()));
          break;
        case DeedKind::kTruncated:
          if (!is_below) lose(deed, fmt::format("is LOST: the log is truncated to end at {}", deed.end.value()));
          break;
        case DeedKind::kRecovered:
          if (!is_below) {
            lose(deed, fmt::format("is LOST{}: after {} the log comes back with its end at {}",
                                   is_durable ? ", although it was durable" : "", deed.why, deed.end.value()));
          } else if (is_there) {
            timeline_.Add(deed.at_ns, who,
                          fmt::format("{} is still there: after {} the log is {} to {}", name, deed.why,
                                      deed.begin.value(), deed.end.value()));
          }
          break;
        case DeedKind::kStartMoved:
          if (deed.begin > offset)
            lose(deed, fmt::format("is below the log start {} ({})", deed.begin.value(), deed.why));
          break;
        case DeedKind::kDeleted:
          if (is_within) lose(deed, "is gone: its segment is deleted");
          break;
        case DeedKind::kCompacted:
          if (is_within && is_there) {
            timeline_.Add(deed.at_ns, who, fmt::format("{} was in segments that a cleaned copy replaces", name));
          }
          break;
        case DeedKind::kOffline:
          timeline_.Add(deed.at_ns, who, fmt::format("{} is offline: {}", ToString(deed.partition), deed.why));
          break;
      }
    }
  }

  void AddReads(const Subject& subject, const std::string& name) {
    size_t same_count = 0;
    for (const history::Poll& poll : history_.polls) {
      if (poll.partition != subject.partition) continue;
      for (const history::PolledRecord& record : poll.records) {
        if (record.offset != subject.offset) continue;
        const bool is_other = subject.value.has_value() && record.value != *subject.value;
        if (!is_other && ++same_count > kReadsMax && !Concerns(poll.span)) continue;
        timeline_.Add(
            poll.span.completed_ns, ClientName(poll.client),
            is_other ? fmt::format("reads value {} INSTEAD of {}", record.value, name)
                     : fmt::format("reads {}{}", name, subject.value ? "" : fmt::format(" (value {})", record.value)));
      }
    }
    for (const history::FinalRead& read : history_.final_reads) {
      if (read.partition != subject.partition) continue;
      const auto at = std::find_if(read.records.begin(), read.records.end(),
                                   [&](const history::PolledRecord& r) { return r.offset == subject.offset; });
      const std::string what = at == read.records.end()
                                   ? fmt::format("finds NOTHING at {}; the log is {} to {}", name,
                                                 read.log_start_offset.value(), read.end_offset.value())
                                   : fmt::format("finds value {} at {}", at->value, name);
      timeline_.Add(input_.result.virtual_ns(), "reader", "in the end " + what);
    }
  }

  // Between the first and the last line; of clients only those that sent the records.
  void AddFaultsAndDeaths() {
    const bool is_about_records = !timeline_.empty() && !subjects_.empty();
    const int64_t begin_ns = timeline_.empty() || !is_about_records ? 0 : timeline_.begin_ns();
    const int64_t end_ns = timeline_.empty() || !is_about_records ? INT64_MAX : timeline_.end_ns();
    const auto matters = [&](int64_t at_ns, const std::string& node) {
      if (at_ns < begin_ns || at_ns > end_ns) return false;
      return !is_about_records || node.empty() || servers_.contains(node) || clients_.contains(node);
    };
    for (const sim::Strike& strike : input_.report.strikes) {
      if (strike.result != sim::StrikeResult::kDone || !matters(strike.at.nanos(), strike.target)) continue;
      timeline_.Add(strike.at.nanos(), strike.target, fmt::format("FAULT {}: {}", strike.event_id, strike.action));
    }
    for (const history::NodeEvent& event : history_.node_events) {
      if (!matters(event.at_ns, event.node)) continue;
      timeline_.Add(event.at_ns, event.node, fmt::format("NODE {}", history::ToString(event.kind)));
    }
  }

  const ExplainInput& input_;
  const history::History& history_;
  const history::Violation& violation_;
  std::vector<Subject> subjects_;
  std::set<std::string> clients_;
  std::set<std::string> servers_;
  StoryLines timeline_;
};

}  // namespace

std::string Explain(const ExplainInput& input) {
  const RunResult& result = input.result;
  std::string text = fmt::format("{} in {} with seed {}, {} s of virtual time\n", VerdictName(result.verdict()),
                                 result.scenario(), result.seed(), SecondsText(result.virtual_ns()));
  if (result.verdict() == PASS) return text + "Nothing is false: there is nothing to explain.\n";
  size_t told = 0;
  for (const history::Violation& violation : input.report.violations) {
    if (++told > kViolationsMax) break;
    text += "\n" + Story(input, violation).Text();
  }
  if (input.report.violations.size() > kViolationsMax) {
    text += fmt::format("\nand {} violations more\n", input.report.violations.size() - kViolationsMax);
  }
  return text;
}

}  // namespace odradek::explore
