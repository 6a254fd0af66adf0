#include "tests/real/cluster/wires.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "engine/base/check.h"
#include "engine/real/reactor.h"

namespace odradek::real_cluster {
namespace {

constexpr int kHostsMax = 250;
constexpr size_t kPacketBytesMax = 65'536;
// A link that is slower than what it is given drops what it could not send for so long.
constexpr int64_t kBacklogNanosMax = 2'000'000'000;
constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr const char* kNamespaceOfThread = "/proc/thread-self/ns/net";
// Where an IPv4 packet says to whom it goes.
constexpr size_t kDestinationAt = 16;
constexpr size_t kHeaderBytesMin = 20;

int64_t NowNanos() {
  return real::ReadMonotonicClock().nanos();
}

std::string AddressText(int host) {
  return fmt::format("10.77.0.{}", host + 1);
}

std::string ErrnoText(const char* what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

void SetAddress(ifreq& request, const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  INVARIANT(inet_pton(AF_INET, text.c_str(), &address.sin_addr) == 1);
  std::memcpy(&request.ifr_addr, &address, sizeof(address));
}

// In the thread's network namespace.
bool BringUp(const char* device, const std::string& address) {
  const real::UniqueFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  if (!address.empty()) {
    SetAddress(request, address);
    if (ioctl(control.get(), SIOCSIFADDR, &request) != 0) return false;
    SetAddress(request, "255.255.255.0");
    if (ioctl(control.get(), SIOCSIFNETMASK, &request) != 0) return false;
  }
  if (ioctl(control.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  return ioctl(control.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

std::string Wires::MakeHost(int index, Host& host) {
  std::string problem;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      problem = ErrnoText("no network namespace can be made");
      return;
    }
    host.network_namespace = real::UniqueFd(open(kNamespaceOfThread, O_RDONLY | O_CLOEXEC));
    host.tun = real::UniqueFd(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!host.network_namespace.valid() || !host.tun.valid()) {
      problem = ErrnoText("/dev/net/tun cannot be opened");
      return;
    }
    ifreq request{};
    std::strncpy(request.ifr_name, "tun0", IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(host.tun.get(), TUNSETIFF, &request) != 0) {
      problem = ErrnoText("no TUN device can be made");
    } else if (!BringUp("lo", "") || !BringUp("tun0", AddressText(index))) {
      problem = ErrnoText("the TUN device cannot be set up");
    }
  }).join();
  return problem;
}

std::string Wires::WhyNot() {
  Host host;
  return MakeHost(0, host);
}

Wires::Wires(int host_count, uint64_t seed) : wake_up_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), prng_(seed) {
  REQUIRES(host_count > 0);
  REQUIRES(host_count < kHostsMax);
  for (int i = 0; i < host_count; ++i) {
    hosts_.emplace_back();
    INVARIANT(MakeHost(i, hosts_.back()).empty());
  }
  thread_ = std::thread([this] { Carry(); });
}

Wires::~Wires() {
  is_ending_ = true;
  const uint64_t one = 1;
  INVARIANT(write(wake_up_.get(), &one, sizeof(one)) == static_cast<ssize_t>(sizeof(one)));
  thread_.join();
}

std::string Wires::AddressOf(int host) const {
  return AddressText(host);
}

void Wires::Set(const Way& way, const Link& link) {
  const std::lock_guard lock(mutex_);
  links_[way].link = link;
}

void Wires::Heal() {
  const std::lock_guard lock(mutex_);
  for (auto& [way, state] : links_) state.link = {};
}

void Wires::Carry() {
  while (!is_ending_) {
    WaitForPackets();
    for (int i = 0; i < static_cast<int>(hosts_.size()); ++i) TakeAll(i);
    DeliverDue();
  }
}

void Wires::WaitForPackets() {
  std::vector<pollfd> sources;
  for (const Host& host : hosts_) sources.push_back({host.tun.get(), POLLIN, 0});
  sources.push_back({wake_up_.get(), POLLIN, 0});
  timespec timeout{};
  if (!under_way_.empty()) {
    const int64_t left_ns = std::max<int64_t>(0, under_way_.top().due_ns - NowNanos());
    timeout = {.tv_sec = left_ns / kNanosPerSecond, .tv_nsec = left_ns % kNanosPerSecond};
  }
  ppoll(sources.data(), sources.size(), under_way_.empty() ? nullptr : &timeout, nullptr);
}

void Wires::TakeAll(int from) {
  std::array<char, kPacketBytesMax> buffer;
  while (true) {
    const ssize_t got = read(hosts_[static_cast<size_t>(from)].tun.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    std::vector<char> bytes(buffer.begin(), buffer.begin() + got);
    // What a host says by itself (IPv6) is for nobody.
    if (bytes.size() < kHeaderBytesMin || (bytes[0] >> 4) != 4) continue;
    const int to = static_cast<unsigned char>(bytes[kDestinationAt + 3]) - 1;
    if (to >= 0 && to < static_cast<int>(hosts_.size()) && to != from) Take({from, to}, std::move(bytes));
  }
}

void Wires::Take(const Way& way, std::vector<char> bytes) {
  const int64_t now_ns = NowNanos();
  const std::lock_guard lock(mutex_);
  LinkState& state = links_[way];
  const Link& link = state.link;
  const bool is_lost = link.is_cut || (link.loss_ppm > 0 && prng_.PartsPerMillion(link.loss_ppm));
  const int64_t begin_ns = std::max(now_ns, link.bytes_per_second > 0 ? state.busy_until_ns : 0);
  if (is_lost || begin_ns - now_ns > kBacklogNanosMax) {
    ++dropped_count_;
    return;
  }
  const auto size_bytes = static_cast<int64_t>(bytes.size());
  const int64_t takes_ns = link.bytes_per_second > 0 ? size_bytes * kNanosPerSecond / link.bytes_per_second : 0;
  state.busy_until_ns = begin_ns + takes_ns;
  state.last_due_ns = std::max(state.last_due_ns, state.busy_until_ns + link.latency_ns);
  under_way_.push({state.last_due_ns, ++packet_count_, way.to, std::move(bytes)});
}

void Wires::DeliverDue() {
  const int64_t now_ns = NowNanos();
  while (!under_way_.empty() && under_way_.top().due_ns <= now_ns) {
    const Packet& packet = under_way_.top();
    // A host that takes no more loses it, as a full queue would.
    const ssize_t put =
        write(hosts_[static_cast<size_t>(packet.to)].tun.get(), packet.bytes.data(), packet.bytes.size());
    ++(put > 0 ? carried_count_ : dropped_count_);
    under_way_.pop();
  }
}

OnHost::OnHost(const Wires& wires, int host) : before_(open(kNamespaceOfThread, O_RDONLY | O_CLOEXEC)) {
  INVARIANT(before_.valid());
  INVARIANT(setns(wires.network_namespace(host), CLONE_NEWNET) == 0);
}

OnHost::~OnHost() {
  setns(before_.get(), CLONE_NEWNET);
}

}  // namespace odradek::real_cluster
