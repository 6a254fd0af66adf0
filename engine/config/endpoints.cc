#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/config/broker_config.h"
#include "engine/config/setting_error.h"

namespace odradek::config {
namespace {

bool IsListenerName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), allowed);
}

std::string UpperCase(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

bool IsHost(std::string_view host) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_' || c == ':' || c == '%';
  };
  return host.size() <= 255 && std::all_of(host.begin(), host.end(), allowed);
}

}  // namespace

std::optional<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // an address of IPv6 needs its brackets
  }
  if (!IsHost(host)) return std::nullopt;
  int32_t port = 0;
  const char* const end = port_text.data() + port_text.size();
  const auto [stop, error] = std::from_chars(port_text.data(), end, port);
  if (error != std::errc() || stop != end || port < 0 || port > 65535) return std::nullopt;
  return HostPort{std::string(host), port};
}

absl::StatusOr<std::vector<Endpoint>> ParseEndpoints(std::string_view name, const std::vector<std::string>& elements) {
  std::vector<Endpoint> endpoints;
  for (const std::string& element : elements) {
    const size_t at = element.find("://");
    const std::string_view whole = element;
    const std::string_view listener = whole.substr(0, at);
    std::optional<HostPort> address;
    if (at != std::string::npos && IsListenerName(listener)) address = ParseHostPort(whole.substr(at + 3));
    if (!address) {
      return WrongSetting({.name = name, .value = element, .why = "expected NAME://host:port with a port up to 65535"});
    }
    Endpoint endpoint{UpperCase(listener), address->host, address->port};
    for (const Endpoint& other : endpoints) {
      if (other.listener == endpoint.listener) {
        return WrongSetting({.name = name, .why = fmt::format("listener {} is there twice", other.listener)});
      }
    }
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

}  // namespace odradek::config
