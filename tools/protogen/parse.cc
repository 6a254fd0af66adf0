#include "tools/protogen/parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace odradek::protogen {
namespace {

constexpr int kIndentSpaces = 2;

struct Line {
  int number = 0;
  int depth = 0;
  std::vector<std::string> words;
};

std::optional<int> ParseNumber(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "3", "3+", "3-7"
std::optional<VersionRange> ParseRange(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.back() == '+') {
    const auto first = ParseNumber(text.substr(0, text.size() - 1));
    if (!first) return std::nullopt;
    return VersionRange{*first, kOpenEnd};
  }
  const size_t dash = text.find('-');
  const auto first = ParseNumber(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : ParseNumber(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return VersionRange{*first, *last};
}

class Parser {
 public:
  Parser(const SourceText& source, Diagnostics& diagnostics) : source_(source), diagnostics_(diagnostics) {
    file_.path = source.path;
    std::string_view stem = source.path;
    if (const size_t slash = stem.rfind('/'); slash != std::string_view::npos) stem.remove_prefix(slash + 1);
    file_.stem = stem.substr(0, stem.rfind('.'));
  }

  SchemaFile Run() {
    SplitLines();
    while (next_ < lines_.size()) ParseTopLine(lines_[next_++]);
    if (file_.messages.empty()) Error(1, "no message in this file");
    return std::move(file_);
  }

 private:
  void Error(int line, std::string what) { diagnostics_.push_back({std::string(source_.path), line, std::move(what)}); }

  void SplitLines();
  void SplitWords(std::string_view text, Line& line);
  void ParseTopLine(const Line& line);
  void ParseApiLine(const Line& line);
  void ParseSection(const Line& line);
  void ParseMessageLine(const Line& line);
  void ParseCoordinatorLine(const Line& line);
  void ParseCoordinatorPart(const Line& line);
  void ParseBody(Message& message);
  // The lines of at least `depth`: fields, and structs that they define.
  void ParseFields(Message& message, Struct& owner, int depth);
  std::optional<Field> ParseField(const Line& line);
  bool ParseType(std::string_view word, const Line& line, Field& field);
  bool ParseFieldOption(const Line& line, size_t& at, Field& field);
  bool ParseHeadOptions(const Line& line, size_t at, Api& api);

  SourceText source_;
  Diagnostics& diagnostics_;
  SchemaFile file_;
  Message coordinator_record_;  // what the next key and value line belong to: log, key, name
  std::vector<Line> lines_;
  size_t next_ = 0;
};

void Parser::SplitWords(std::string_view text, Line& line) {
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    if (text[at] == '#') return;
    const size_t begin = at;
    if (text[at] == '"') {
      at = text.find('"', at + 1);
      if (at == std::string_view::npos) {
        Error(line.number, "a string without its closing quote");
        return;
      }
      ++at;
    } else {
      while (at < text.size() && text[at] != ' ' && text[at] != '#') ++at;
    }
    line.words.emplace_back(text.substr(begin, at - begin));
  }
}

void Parser::SplitLines() {
  std::string_view rest = source_.text;
  for (int number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    Line line{.number = number, .depth = 0, .words = {}};
    if (text.find('\t') != std::string_view::npos) {
      Error(number, "a tab: indent with two spaces per level");
      continue;
    }
    SplitWords(text, line);
    if (line.words.empty()) continue;
    const size_t spaces = text.find_first_not_of(' ');
    if (spaces % kIndentSpaces != 0) Error(number, "indent with two spaces per level");
    line.depth = static_cast<int>(spaces) / kIndentSpaces;
    lines_.push_back(std::move(line));
  }
}

void Parser::ParseTopLine(const Line& line) {
  const std::string& word = line.words[0];
  if (line.depth != 0) {
    Error(line.number, "an indented line without a line above that it belongs to");
  } else if (word == "api") {
    ParseApiLine(line);
  } else if (word == "request" || word == "response") {
    ParseSection(line);
  } else if (word == "header" || word == "metadata" || word == "remote" || word == "data") {
    ParseMessageLine(line);
  } else if (word == "coordinator") {
    ParseCoordinatorLine(line);
  } else if (word == "key" || word == "value") {
    ParseCoordinatorPart(line);
  } else {
    constexpr const char* kWords = "api, request, response, header, metadata, remote, data, coordinator, key or value";
    Error(line.number, fmt::format("'{}': expected {}", word, kWords));
  }
}

// api KEY NAME VERSIONS options…
void Parser::ParseApiLine(const Line& line) {
  if (file_.api) Error(line.number, "a second api line: one API per file");
  Api api;
  api.line = line.number;
  const auto key = line.words.size() > 3 ? ParseNumber(line.words[1]) : std::nullopt;
  const auto versions = line.words.size() > 3 ? ParseRange(line.words[3]) : std::nullopt;
  if (!key || !versions || versions->last == kOpenEnd) {
    Error(line.number, "expected: api KEY NAME FIRST-LAST [options]");
    return;
  }
  api.key = *key;
  api.name = line.words[2];
  api.versions = *versions;
  if (!ParseHeadOptions(line, 4, api)) return;
  if (!api.on_broker && !api.on_controller) Error(line.number, "an API needs 'on broker', 'on controller' or both");
  file_.api = api;
}

bool Parser::ParseHeadOptions(const Line& line, size_t at, Api& api) {
  while (at < line.words.size()) {
    const std::string& option = line.words[at];
    const std::string argument = at + 1 < line.words.size() ? line.words[at + 1] : "";
    const auto range = ParseRange(argument);
    at += 2;
    if (option == "flexible" && range && range->last == kOpenEnd) {
      api.flexible_from = range->first;
    } else if (option == "on" && argument == "broker") {
      api.on_broker = true;
    } else if (option == "on" && argument == "controller") {
      api.on_controller = true;
    } else if (option == "advertised" && range && range->last == kOpenEnd) {
      api.advertised_first = range->first;
    } else if (option == "unstable" && range && range->last == kOpenEnd) {
      api.unstable_from = range->first;
    } else if (option == "response_header" && ParseNumber(argument)) {
      api.response_header_fixed = ParseNumber(argument);
    } else {
      Error(line.number, fmt::format("'{} {}': no such option, or a bad value of it", option, argument));
      return false;
    }
  }
  return true;
}

void Parser::ParseSection(const Line& line) {
  Message message;
  message.line = line.number;
  const bool is_request = line.words[0] == "request";
  message.kind = is_request ? MessageKind::kRequest : MessageKind::kResponse;
  if (!file_.api) {
    Error(line.number, fmt::format("'{}' before the api line", line.words[0]));
  } else {
    message.name = file_.api->name + (is_request ? "Request" : "Response");
    message.key = file_.api->key;
    message.versions = file_.api->versions;
    message.flexible_from = file_.api->flexible_from;
  }
  if (line.words.size() > 1) Error(line.number, fmt::format("'{}' stands alone on its line", line.words[0]));
  ParseBody(message);
}

// header NAME VERSIONS …, data NAME VERSIONS …, metadata KEY NAME VERSIONS …, remote KEY NAME VERSIONS …
void Parser::ParseMessageLine(const Line& line) {
  Message message;
  message.line = line.number;
  message.kind = line.words[0] == "header"     ? MessageKind::kHeader
                 : line.words[0] == "metadata" ? MessageKind::kMetadata
                 : line.words[0] == "remote"   ? MessageKind::kRemote
                                               : MessageKind::kData;
  const bool is_numbered = message.kind == MessageKind::kMetadata || message.kind == MessageKind::kRemote;
  const size_t name_at = is_numbered ? 2 : 1;
  const bool long_enough = line.words.size() > name_at + 1;
  const auto key = ParseNumber(line.words.size() > 1 ? line.words[1] : "");
  const auto versions = long_enough ? ParseRange(line.words[name_at + 1]) : std::nullopt;
  Api options;
  if (!versions || versions->last == kOpenEnd || (name_at == 2 && !key)) {
    Error(line.number,
          fmt::format("expected: {}{} NAME FIRST-LAST [flexible N+]", line.words[0], name_at == 2 ? " KEY" : ""));
  } else if (ParseHeadOptions(line, name_at + 2, options)) {
    message.name = line.words[name_at];
    message.key = name_at == 2 ? *key : -1;
    message.versions = *versions;
    message.flexible_from = options.flexible_from;
  }
  ParseBody(message);
}

// coordinator LOG TYPE NAME
void Parser::ParseCoordinatorLine(const Line& line) {
  const auto type = line.words.size() == 4 ? ParseNumber(line.words[2]) : std::nullopt;
  coordinator_record_ = Message();
  if (!type || std::ranges::find(kCoordinatorLogs, line.words[1]) == kCoordinatorLogs.end()) {
    Error(line.number, fmt::format("expected: coordinator {} TYPE NAME", fmt::join(kCoordinatorLogs, "|")));
    return;
  }
  coordinator_record_.log = line.words[1];
  coordinator_record_.key = *type;
  coordinator_record_.name = line.words[3];
}

// key VERSIONS [flexible N+], value VERSIONS [flexible N+]
void Parser::ParseCoordinatorPart(const Line& line) {
  const bool is_key = line.words[0] == "key";
  const auto versions = ParseRange(line.words.size() > 1 ? line.words[1] : "");
  Message message = coordinator_record_;
  message.line = line.number;
  message.kind = is_key ? MessageKind::kCoordinatorKey : MessageKind::kCoordinatorValue;
  Api options;
  if (coordinator_record_.name.empty()) {
    Error(line.number, fmt::format("'{}' before a coordinator line", line.words[0]));
  } else if (!versions || versions->last == kOpenEnd) {
    Error(line.number, fmt::format("expected: {} FIRST-LAST [flexible N+]", line.words[0]));
    message.name.clear();
  } else if (ParseHeadOptions(line, 2, options)) {
    message.name += is_key ? "Key" : "Value";
    message.versions = *versions;
    message.flexible_from = options.flexible_from;
  }
  ParseBody(message);
}

void Parser::ParseBody(Message& message) {
  message.body.name = message.name;
  message.body.line = message.line;
  ParseFields(message, message.body, 1);
  if (!message.name.empty()) file_.messages.push_back(std::move(message));
}

void Parser::ParseFields(Message& message, Struct& owner, int depth) {
  while (next_ < lines_.size() && lines_[next_].depth >= depth) {
    const Line& line = lines_[next_++];
    if (line.depth > depth) {
      Error(line.number, "indented deeper than a field of the struct above can be");
      continue;
    }
    std::string defines;
    if (line.words[0] == "struct" && line.words.size() == 2 && depth == 1) {
      defines = line.words[1];
    } else if (auto field = ParseField(line)) {
      defines = field->type.struct_name;
      owner.fields.push_back(*std::move(field));
    }
    if (next_ >= lines_.size() || lines_[next_].depth <= depth) continue;
    if (defines.empty()) Error(lines_[next_].number, "only a field of a struct type has fields");
    Struct inner{.name = defines, .fields = {}, .line = line.number};
    ParseFields(message, inner, depth + 1);
    if (!defines.empty()) message.structs.push_back(std::move(inner));
  }
}

// TYPE, TYPE?, TYPE?VERSIONS, each also as [TYPE].
bool Parser::ParseType(std::string_view word, const Line& line, Field& field) {
  const size_t question = word.find('?');
  std::string_view name = word.substr(0, question);
  if (question != std::string_view::npos) {
    const std::string_view range = word.substr(question + 1);
    field.null_versions = range.empty() ? VersionRange{} : ParseRange(range);
    if (!field.null_versions) {
      Error(line.number, fmt::format("'{}': bad versions behind the question mark", word));
      return false;
    }
  }
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
    field.type.is_array = true;
    name = name.substr(1, name.size() - 2);
  }
  if (const BuiltIn* built_in = FindBuiltIn(name)) {
    field.type.kind = built_in->kind;
  } else if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') {
    field.type.kind = TypeKind::kStruct;
    field.type.struct_name = name;
  } else {
    Error(line.number, fmt::format("'{}' is no type", word));
    return false;
  }
  return true;
}

bool Parser::ParseFieldOption(const Line& line, size_t& at, Field& field) {
  const std::string& word = line.words[at++];
  const auto peek = [&]() -> std::string_view { return at < line.words.size() ? line.words[at] : std::string_view(); };
  if (word == "ignorable") {
    field.ignorable = true;
  } else if (word == "classic") {
    field.classic = true;
  } else if (word == "few") {
    field.type.is_few = true;
  } else if (word == "=" && !peek().empty()) {
    field.default_text = line.words[at++];
  } else if (word == "tag" && ParseNumber(peek())) {
    field.tag = ParseNumber(line.words[at++]);
    field.tag_versions = field.versions;
    if (const auto range = ParseRange(peek())) {
      field.tag_versions = *range;
      ++at;
    }
  } else {
    return false;
  }
  return true;
}

// NAME TYPE [VERSIONS] [tag N [VERSIONS]] [= DEFAULT] [ignorable] [classic] [few]
std::optional<Field> Parser::ParseField(const Line& line) {
  if (line.words.size() < 2) {
    Error(line.number, "expected: name type [versions] [options]");
    return std::nullopt;
  }
  Field field;
  field.line = line.number;
  field.name = line.words[0];
  if (!ParseType(line.words[1], line, field)) return std::nullopt;
  size_t at = 2;
  if (at < line.words.size()) {
    if (const auto range = ParseRange(line.words[at])) {
      field.versions = *range;
      ++at;
    }
  }
  while (at < line.words.size()) {
    const std::string word = line.words[at];
    if (!ParseFieldOption(line, at, field)) {
      Error(line.number, fmt::format("'{}' is not understood here", word));
      return std::nullopt;
    }
  }
  return field;
}

}  // namespace

SchemaFile Parse(const SourceText& source, Diagnostics& diagnostics) {
  return Parser(source, diagnostics).Run();
}

}  // namespace odradek::protogen
