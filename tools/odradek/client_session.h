// What the verbs that talk to a cluster have in common: the options that say where it is, and a node without data that
// their fibers run on. Owned by a command; RunOnNode blocks until the command is done.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "engine/client/admin.h"
#include "engine/client/config.h"
#include "engine/env/env.h"

namespace odradek::tool {

// "name=value" and where it stands, for errors: an option as it was typed, or file:line.
struct GivenProperty {
  std::string origin;
  std::string text;
};

struct ClientArguments {
  std::string bootstrap_server;
  std::string command_config;
  std::vector<GivenProperty> command_properties;
  int64_t reach_timeout_ms = 10000;
};

// How the options of the configuration are spelled: names with commas between them, the one of the messages first.
struct ClientOptionNames {
  std::string config_file = "--command-config";
  std::string property = "--command-property";
};
void AddClientOptions(CLI::App& command, ClientArguments& arguments, const ClientOptionNames& names = {});
// NAME=VALUE, to be repeated, under each of the names.
void AddPropertyOption(CLI::App& command, const std::string& names, const std::string& what,
                       std::vector<GivenProperty>& into);

// "name=value". An error names the option.
absl::StatusOr<std::pair<std::string, std::string>> SplitProperty(std::string_view option, std::string_view text);

// Properties of a file ("": none), then those of the command line, which go over it.
absl::StatusOr<std::vector<GivenProperty>> ReadProperties(const std::string& file,
                                                          const std::vector<GivenProperty>& typed);

// A client's configuration and where it comes from.
class ClientSettings {
 public:
  // `place`: "file:line"; empty: the command line.
  void Set(const std::string& name, std::string value, std::string place = "");
  const client::ConfigMap& values() const { return values_; }
  bool has(std::string_view name) const { return values_.contains(name); }
  // Where it was set; empty: by an option of its own.
  std::string_view place(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? std::string_view() : found->second;
  }
  // What is wrong, behind the place where it stands.
  template <typename Config>
  std::string Explain(const client::ConfigResult<Config>& wrong) const {
    const auto place = places_.find(wrong.setting);
    return place == places_.end() ? wrong.error : place->second + ": " + wrong.error;
  }

 private:
  client::ConfigMap values_;
  client::ConfigMap places_;
};

// What the file says, over it the properties of the command line, bootstrap.servers.
absl::StatusOr<ClientSettings> ClientConfig(const ClientArguments& arguments);

struct ClientWorld {
  env::Env& env;
  // Set by SIGINT and SIGTERM, which do not end the process.
  const bool& is_stopped;
};
using ClientBody = absl::AnyInvocable<int(fiber::Fiber&, const ClientWorld&)>;

enum class Signals : uint8_t {
  kEndTheProcess,
  kStopTheBody,
};
struct NodeOptions {
  std::string_view verb;
  Signals signals = Signals::kEndTheProcess;
};

// Runs `body` on a fiber once a broker has answered. Returns its exit code; 1 if no broker answers in time.
int RunOnNode(const NodeOptions& options, const ClientArguments& arguments, ClientBody body);

// What RunOnNode needs and most verbs use: an admin with the given configuration. 2 if that is wrong.
using AdminBody = absl::AnyInvocable<int(fiber::Fiber&, client::Admin&)>;
int RunWithAdmin(std::string_view verb, const ClientArguments& arguments, AdminBody body);

// "odradek VERB: what" on standard error. Return the exit codes.
int Failed(std::string_view verb, std::string_view what);
int WrongUsage(std::string_view verb, std::string_view what);

// For a person: what happened and whether it may have had an effect.
std::string Describe(const client::AdminStatus& status);

// Kafka's own, which nobody reads or deletes by accident.
bool IsInternalTopic(std::string_view topic);

// Where lists are separated by commas and options repeated: every entry once, in order.
std::vector<std::string> Distinct(std::vector<std::string> names);

}  // namespace odradek::tool
