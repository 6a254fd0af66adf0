#include "sim/report/page.h"

#include "engine/base/check.h"
#include "sim/report/page_parts.h"

namespace odradek::report {
namespace {

// Takes the text before the mark off `rest`.
std::string_view CutAt(std::string_view& rest, std::string_view mark) {
  const size_t at = rest.find(mark);
  INVARIANT(at != std::string_view::npos);
  const std::string_view before = rest.substr(0, at);
  rest.remove_prefix(at + mark.size());
  return before;
}

}  // namespace

std::string EscapeForScript(std::string_view json) {
  // Both are the bytes of UTF-8: U+2028 and U+2029.
  constexpr std::string_view kLineSeparator = "\xe2\x80\xa8";
  constexpr std::string_view kParagraphSeparator = "\xe2\x80\xa9";
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    const std::string_view rest = json.substr(i);
    if (rest.front() == '<') {
      out += "\\u003c";
    } else if (rest.front() == '>') {
      out += "\\u003e";
    } else if (rest.front() == '&') {
      out += "\\u0026";
    } else if (rest.starts_with(kLineSeparator)) {
      out += "\\u2028";
      i += kLineSeparator.size() - 1;
    } else if (rest.starts_with(kParagraphSeparator)) {
      out += "\\u2029";
      i += kParagraphSeparator.size() - 1;
    } else {
      out += rest.front();
    }
  }
  return out;
}

std::string EscapeForHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string RenderPage(std::string_view title, std::string_view json) {
  std::string_view rest = PageHtml();
  std::string page;
  page.reserve(rest.size() + PageCss().size() + PageJs().size() + json.size() + json.size() / 8);
  page += CutAt(rest, "{{title}}");
  page += EscapeForHtml(title);
  page += CutAt(rest, "{{css}}");
  page += PageCss();
  page += CutAt(rest, "{{data}}");
  page += EscapeForScript(json);
  page += CutAt(rest, "{{js}}");
  page += PageJs();
  page += rest;
  return page;
}

}  // namespace odradek::report
