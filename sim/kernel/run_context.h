// Probes, buggify and the mutation of one run, and what a node's objects see of them (base::Context).
//
// Invariants: whether a site is armed depends on (seed, site) only; whether it fires on (seed, node, site, n-th visit).
// Probes are counted in the order of their names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/context.h"
#include "engine/base/mutation.h"
#include "sim/kernel/kernel.h"

namespace odradek::sim {

struct BuggifyOptions {
  // Share of the sites that can fire at all in this run.
  uint32_t armed_sites_ppm = 250'000;
  // How often an armed site fires.
  uint32_t fire_ppm = 50'000;
};

struct RunContextOptions {
  BuggifyOptions buggify = {};
  std::optional<base::Mutation> mutation = std::nullopt;
};

// Sees every probe as it is reached. Must not kill a node at once (use Kernel::AfterEvent).
class ProbeObserver {
 public:
  virtual void OnProbe(NodeIndex node, std::string_view name) = 0;

 protected:
  ~ProbeObserver() = default;
};

class RunContext {
 public:
  struct Counts {
    uint64_t visited = 0;  // asked (buggify) or reached (probe)
    uint64_t fired = 0;
  };
  using Table = std::map<std::string, Counts, std::less<>>;

  RunContext(Kernel& kernel, const RunContextOptions& options);
  RunContext(const RunContext&) = delete;
  RunContext& operator=(const RunContext&) = delete;

  void Reached(NodeIndex node, std::string_view name);
  bool Buggify(NodeIndex node, std::string_view site);
  bool HasMutation(base::Mutation mutation) {
    if (options_.mutation != mutation) return false;
    ++mutation_hits_;
    return true;
  }

  // Off for the phases in which a run must make progress.
  void EnableBuggify() { buggify_enabled_ = true; }
  void DisableBuggify() { buggify_enabled_ = false; }
  // nullptr: none.
  void SetProbeObserver(ProbeObserver* observer) { observer_ = observer; }

  const Table& probes() const { return probes_; }
  const Table& sites() const { return sites_; }
  // How often a site asked for the mutation of this run, and so did what the mutation says.
  uint64_t mutation_hits() const { return mutation_hits_; }

 private:
  bool IsArmed(std::string_view site) const;

  Kernel& kernel_;
  const RunContextOptions options_;
  bool buggify_enabled_ = true;
  ProbeObserver* observer_ = nullptr;
  Table probes_;
  Table sites_;
  uint64_t mutation_hits_ = 0;
};

// The context of one node.
class NodeContext final : public base::Context {
 public:
  NodeContext(RunContext& run, NodeIndex node) : run_(run), node_(node) {}
  void Reached(std::string_view name) override { run_.Reached(node_, name); }
  bool Buggify(std::string_view site) override { return run_.Buggify(node_, site); }
  bool HasMutation(base::Mutation mutation) const override { return run_.HasMutation(mutation); }

 private:
  RunContext& run_;
  const NodeIndex node_;
};

}  // namespace odradek::sim
