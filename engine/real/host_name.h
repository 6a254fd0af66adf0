// What this machine is called by others.
#pragma once

#include <string>

namespace odradek::real {

// The canonical name of the machine as its resolver knows it (as Kafka advertises it), or "localhost" if it does not
// know the machine. Asks the resolver: may block.
std::string HostName();

}  // namespace odradek::real
