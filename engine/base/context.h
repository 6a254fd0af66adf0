// What an engine object may ask of the run that it belongs to. Passed, never global. In the shipped broker Reached()
// and Buggify() cost a virtual call at rare places only; in the simulator they steer and measure the exploration.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/mutation.h"

namespace odradek::base {

class Context {
 public:
  virtual ~Context() = default;

  // A state that tests want to have seen. `name` is a literal: "storage.recovery.torn_tail".
  virtual void Reached(std::string_view name) = 0;

  // Whether a named rare path is to be taken now. Always false in the real world; in the simulator a share of the sites
  // is armed per run and an armed site fires at random.
  virtual bool Buggify(std::string_view site) = 0;

  // Whether this run carries the mutation (BUG_ZOO.md). Asked only through MUTATION() below.
  virtual bool HasMutation(Mutation mutation) const = 0;
};

// No probes, no buggify, no mutations: for tools and for tests that need none.
class NullContext final : public Context {
 public:
  void Reached(std::string_view) override {}
  bool Buggify(std::string_view) override { return false; }
  bool HasMutation(Mutation) const override { return false; }
};

}  // namespace odradek::base

#define REACHED(context, name) (context).Reached(name)
#define BUGGIFY(context, site) (context).Buggify(site)

// One per site: `if (MUTATION(context, LG07)) …`. Compiled to nothing but in the `mutations` build.
#if defined(ODRADEK_MUTATIONS)
#define MUTATION(context, id) ((context).HasMutation(::odradek::base::Mutation::k##id))
#else
#define MUTATION(context, id) (static_cast<void>(context), false)
#endif
