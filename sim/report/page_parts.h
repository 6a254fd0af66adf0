// The files of this folder that the page is made of, put into the binary by the build.
#pragma once

#include <string_view>

namespace odradek::report {

std::string_view PageHtml();
std::string_view PageCss();
// All of js/ in the order in which CMakeLists.txt names them.
std::string_view PageJs();

}  // namespace odradek::report
