// The one HTML page: the parts of this folder that are HTML, CSS and JavaScript, with the data of a campaign in a
// script element. Needs nothing but itself: no network, no second file.
#pragma once

#include <string>
#include <string_view>

namespace odradek::report {

// JSON that may stand inside of a script element: neither ends the element, nor opens a comment in it, nor holds a
// line end that JavaScript sees and JSON does not.
std::string EscapeForScript(std::string_view json);

std::string EscapeForHtml(std::string_view text);

// `json`: what page_data.h makes.
std::string RenderPage(std::string_view title, std::string_view json);

}  // namespace odradek::report
