// A call of one shard from a fiber of another: the function travels as a message, runs on a fiber of the target, and
// its result travels back. On the shard itself it is a plain call. Calls of one fiber start on the target in their
// order.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/env/env.h"
#include "engine/fiber/sync.h"

namespace odradek::broker {

// The shards of a node by index; the Envs outlive every call.
using ShardEnvs = std::vector<env::Env*>;

// Suspends. `fn` is called as fn(Fiber&, ShardId) on the target and must own, or share ownership of, all that it
// touches there: the caller may be gone when it runs (a killed node). Its result must be movable.
template <typename Fn>
auto CallOn(fiber::Fiber& self, const ShardEnvs& shards, ShardId home, ShardId target, Fn fn)
    -> std::invoke_result_t<Fn, fiber::Fiber&> {
  using Result = std::invoke_result_t<Fn, fiber::Fiber&>;
  if (home == target) return fn(self);
  struct Call {
    std::optional<Result> result;
    fiber::Event done;
  };
  auto call = std::make_shared<Call>();
  env::Env& there = *shards[static_cast<size_t>(target.value())];
  env::Env& here = *shards[static_cast<size_t>(home.value())];
  here.shards.Post(target, [call, fn = std::move(fn), &there, home]() mutable {
    there.scheduler.Spawn("shard call", [call, fn = std::move(fn), &there, home](fiber::Fiber& remote) mutable {
      call->result.emplace(fn(remote));
      // The function goes home with its result: what it holds belongs to that shard's memory.
      there.shards.Post(home, [call = std::move(call), fn = std::move(fn)] {
        static_cast<void>(fn);
        call->done.Set();
      });
    });
  });
  call->done.Wait(self);
  return std::move(*call->result);
}

}  // namespace odradek::broker
