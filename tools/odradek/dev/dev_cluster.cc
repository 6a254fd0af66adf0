#include "tools/odradek/dev/dev_cluster.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOOST_PROCESS_USE_STD_FS
#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <system_error>

#include "absl/status/statusor.h"
#include "engine/base/absl_compat.h"
#include "engine/storage/meta_properties.h"

namespace odradek::tool::dev {
namespace {

namespace asio = boost::asio;
namespace process = boost::process;

constexpr const char* kHost = "127.0.0.1";
constexpr auto kLookAgainEvery = std::chrono::milliseconds(20);
// ApiVersions 0 without a client id.
constexpr std::array<unsigned char, 14> kApiVersionsRequest = {0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff};
// A node that has not ended by then hangs: shutting down waits at most ten seconds for requests.
constexpr auto kShutdownPatience = std::chrono::seconds(30);

std::string AddressOf(int32_t port) {
  return fmt::format("{}:{}", kHost, port);
}

std::string FileOf(const Options& options, int32_t id) {
  return fmt::format("{}/node{}.properties", options.data, id);
}

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.is_open() || in.bad()) return base::Unavailable(fmt::format("{}: cannot be read", path.string()));
  return text;
}

absl::Status WriteFile(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  return out.good() ? absl::OkStatus() : base::Unavailable(fmt::format("{}: cannot be written", path));
}

// That of an earlier run, or a new one.
absl::StatusOr<std::string> ClusterIdOf(const Options& options) {
  for (int32_t id = 1; id <= options.brokers; ++id) {
    const std::filesystem::path path = std::filesystem::path(options.data) / fmt::format("node{}/meta.properties", id);
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    const absl::StatusOr<std::string> text = ReadFile(path);
    if (!text.ok()) return text.status();
    const absl::StatusOr<storage::MetaProperties> meta = storage::ParseMetaProperties(path.string(), AsBytes(*text));
    if (!meta.ok()) return meta.status();
    return meta->cluster_id;
  }
  std::random_device random;
  const auto draw = [&] { return (uint64_t{random()} << 32) | random(); };
  return Uuid::FromRandom(draw(), draw()).ToString();
}

// As a shell takes it for one word.
std::string Quoted(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string ShellLine(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) line += (line.empty() ? "" : " ") + Quoted(word);
  return line;
}

// A node: its process, and the lines that it writes.
class Node {
 public:
  Node(asio::io_context& context, int32_t id) : id_(id), output_(context) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  std::error_code Start(asio::io_context& context, const std::vector<std::string>& command,
                        std::function<void(int, const std::error_code&)> on_exit) {
    std::error_code error;
    // A terminal's Ctrl-C is for this program, which tells the nodes in its own way.
    child_ = process::child(command.front(), process::args(std::vector(command.begin() + 1, command.end())),
                            (process::std_out & process::std_err) > output_, process::std_in < process::null,
                            process::extend::on_exec_setup([](auto&) {
                              ::setpgid(0, 0);
                              ::prctl(PR_SET_PDEATHSIG, SIGTERM);
                            }),
                            context, process::on_exit = std::move(on_exit), error);
    if (!error) ReadLine();
    return error;
  }
  void Signal(int number) {
    if (is_running_) ::kill(child_.id(), number);
  }
  void NoteEnd() { is_running_ = false; }
  bool is_running() const { return is_running_; }
  int pid() const { return child_.id(); }
  int32_t id() const { return id_; }
  // How it ended, once NoteEnd() was called.
  std::string EndText() const {
    const int status = child_.native_exit_code();
    if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
    return fmt::format("ended with exit code {}", WEXITSTATUS(status));
  }

 private:
  void ReadLine() {
    asio::async_read_until(output_, buffer_, '\n', [this](const boost::system::error_code& error, size_t) {
      std::istream in(&buffer_);
      for (std::string line; (error || HasLine()) && std::getline(in, line);) {
        std::cout << fmt::format("{} | {}\n", id_, line) << std::flush;
      }
      if (!error) ReadLine();
    });
  }
  bool HasLine() const {
    const auto bytes = buffer_.data();
    return std::find(asio::buffers_begin(bytes), asio::buffers_end(bytes), '\n') != asio::buffers_end(bytes);
  }

  const int32_t id_;
  process::async_pipe output_;
  asio::streambuf buffer_;
  process::child child_;
  bool is_running_ = true;
};

class Cluster {
 public:
  explicit Cluster(const Options& options) : options_(options) {}

  absl::Status Run() {
    absl::StatusOr<std::string> cluster_id = ClusterIdOf(options_);
    if (!cluster_id.ok()) return cluster_id.status();
    for (int32_t id = 1; id <= options_.brokers; ++id) {
      if (absl::Status written = WriteFile(FileOf(options_, id), PropertiesOf(options_, id)); !written.ok()) {
        return written;
      }
    }
    signals_.async_wait([this](const boost::system::error_code& error, int) { OnSignal(error); });
    for (int32_t id = 1; id <= options_.brokers && result_.ok(); ++id) StartNode(id, *cluster_id);
    if (running_ == 0) return result_;
    if (!result_.ok()) OnSignal({});
    for (const std::unique_ptr<Node>& node : nodes_) {
      probes_[node->id()] = std::make_unique<Probe>(context_);
    }
    for (const std::unique_ptr<Node>& node : nodes_) Ask(*node);
    context_.run();
    std::cout << "all nodes have ended\n" << std::flush;
    return result_;
  }

 private:
  std::vector<std::string> CommandOf(int32_t id, const std::string& cluster_id) const {
    std::vector<std::string> command = {options_.program, "broker",   "--config",    FileOf(options_, id),
                                        "--cluster-id",   cluster_id, "--log-level", options_.log_level};
    for (const std::string& text : options_.overrides) command.insert(command.end(), {"--override", text});
    return command;
  }

  void StartNode(int32_t id, const std::string& cluster_id) {
    const std::vector<std::string> command = CommandOf(id, cluster_id);
    auto made = std::make_unique<Node>(context_, id);
    const std::error_code error = made->Start(
        context_, command, [this, node = made.get(), command](int, const std::error_code&) { OnEnd(*node, command); });
    if (error) {
      result_ = base::Unavailable(fmt::format("node {} cannot be started: {}", id, error.message()));
      return;
    }
    Node& node = *nodes_.emplace_back(std::move(made));
    ++running_;
    std::cout << fmt::format("node {}: pid {}, {}\n", id, node.pid(), AddressOf(options_.port + id - 1)) << std::flush;
  }

  void OnEnd(Node& node, const std::vector<std::string>& command) {
    node.NoteEnd();
    --running_;
    if (!is_stopping_) {
      std::cout << fmt::format("node {} {}; to start it again: {}\n", node.id(), node.EndText(), ShellLine(command))
                << std::flush;
    }
    if (running_ > 0) return;
    if (!is_stopping_) result_ = base::Unavailable("no node runs any more: what they said last tells why");
    signals_.cancel();
    probes_.clear();
    patience_.cancel();
  }

  // A port is open before the node serves: who answers ApiVersions does.
  struct Probe {
    explicit Probe(asio::io_context& context) : socket(context), pause(context) {}
    asio::ip::tcp::socket socket;
    asio::steady_timer pause;
    std::array<char, 4> size_of_answer{};
  };
  void Ask(Node& node) {
    Probe& probe = *probes_.at(node.id());
    probe.socket = asio::ip::tcp::socket(context_);
    const auto port = static_cast<uint16_t>(options_.port + node.id() - 1);
    boost::system::error_code error;
    probe.socket.connect({asio::ip::make_address(kHost), port}, error);
    if (!error) asio::write(probe.socket, asio::buffer(kApiVersionsRequest), error);
    if (error) return AskAgain(node);
    asio::async_read(probe.socket, asio::buffer(probe.size_of_answer),
                     [this, &node](const boost::system::error_code& failed, size_t) {
                       if (failed == asio::error::operation_aborted) return;
                       failed ? AskAgain(node) : OnServing(node);
                     });
  }
  void AskAgain(Node& node) {
    Probe& probe = *probes_.at(node.id());
    probe.pause.expires_after(kLookAgainEvery);
    probe.pause.async_wait([this, &node](const boost::system::error_code& cancelled) {
      if (!cancelled && node.is_running() && !is_stopping_) Ask(node);
    });
  }
  void OnServing(const Node& node) {
    probes_.erase(node.id());
    if (!probes_.empty()) return;
    std::string servers;
    for (int32_t i = 0; i < options_.brokers; ++i) servers += (i == 0 ? "" : ",") + AddressOf(options_.port + i);
    std::cout << "the cluster is ready: --bootstrap-server " << servers << "\n" << std::flush;
  }

  void OnSignal(const boost::system::error_code& error) {
    if (error) return;
    for (const std::unique_ptr<Node>& node : nodes_) node->Signal(is_stopping_ ? SIGKILL : SIGTERM);
    if (!is_stopping_) {
      patience_.expires_after(kShutdownPatience);
      patience_.async_wait([this](const boost::system::error_code& cancelled) { OnPatienceEnd(cancelled); });
    }
    is_stopping_ = true;
    signals_.async_wait([this](const boost::system::error_code& again, int) { OnSignal(again); });
  }

  void OnPatienceEnd(const boost::system::error_code& cancelled) {
    if (cancelled) return;
    for (const std::unique_ptr<Node>& node : nodes_) {
      if (!node->is_running()) continue;
      std::cout << fmt::format("node {} does not end and is killed\n", node->id()) << std::flush;
      node->Signal(SIGKILL);
    }
  }

  const Options options_;
  asio::io_context context_;
  asio::signal_set signals_{context_, SIGINT, SIGTERM};
  asio::steady_timer patience_{context_};
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<int32_t, std::unique_ptr<Probe>> probes_;  // of the nodes that have not served yet
  int32_t running_ = 0;
  bool is_stopping_ = false;
  absl::Status result_;
};

}  // namespace

std::string PropertiesOf(const Options& options, int32_t id) {
  // As a cluster is set up that must not lose what it acknowledged.
  constexpr int32_t kReplicasMax = 3;
  const int32_t replicas = std::min(options.brokers, kReplicasMax);
  std::string voters;
  for (int32_t i = 0; i < options.brokers; ++i) {
    voters += fmt::format("{}{}@{}", i == 0 ? "" : ",", i + 1, AddressOf(options.controller_port + i));
  }
  std::string text = "# Made by odradek dev, anew at each start.\n";
  const auto set = [&](std::string_view name, const auto& value) { text += fmt::format("{}={}\n", name, value); };
  set("node.id", id);
  set("process.roles", "broker,controller");
  set("listeners", fmt::format("PLAINTEXT://{},CONTROLLER://{}", AddressOf(options.port + id - 1),
                               AddressOf(options.controller_port + id - 1)));
  set("controller.listener.names", "CONTROLLER");
  set("controller.quorum.voters", voters);
  set("log.dirs", fmt::format("{}/node{}", options.data, id));
  set("default.replication.factor", replicas);
  set("min.insync.replicas", std::max(replicas - 1, 1));
  return text;
}

absl::Status Run(const Options& options) {
  std::error_code error;
  std::filesystem::create_directories(options.data, error);
  if (error) return base::Unavailable(fmt::format("{}: {}", options.data, error.message()));
  return Cluster(options).Run();
}

}  // namespace odradek::tool::dev
