#include "engine/real/host_name.h"

#include <netdb.h>
#include <unistd.h>

#include <array>
#include <climits>

namespace odradek::real {

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.data(), nullptr, &hints, &found) != 0 || found == nullptr) return "localhost";
  const std::string canonical = found->ai_canonname != nullptr ? found->ai_canonname : name.data();
  freeaddrinfo(found);
  return canonical;
}

}  // namespace odradek::real
