// A disk, a network and an observer for nodes that have none: a client needs no disk, a log alone needs no network.
// Every call answers with an error at once.
#pragma once

#include "engine/env/env.h"

namespace odradek::sim {

class NoDisk final : public env::Disk {
 public:
  env::OpenResult Open(fiber::Fiber&, std::string_view, env::OpenMode) override {
    return {.file = nullptr, .error = kError};
  }
  env::DiskError Rename(fiber::Fiber&, std::string_view, std::string_view) override { return kError; }
  env::DiskError Remove(fiber::Fiber&, std::string_view) override { return kError; }
  env::DiskError CreateDirectory(fiber::Fiber&, std::string_view) override { return kError; }
  env::DiskError RemoveDirectory(fiber::Fiber&, std::string_view) override { return kError; }
  env::ListResult List(fiber::Fiber&, std::string_view) override { return {.entries = {}, .error = kError}; }
  env::StatResult Stat(fiber::Fiber&, std::string_view) override { return {.error = kError}; }
  env::DiskError SyncDirectory(fiber::Fiber&, std::string_view) override { return kError; }
  env::LockResult Lock(fiber::Fiber&, std::string_view) override { return {.lock = nullptr, .error = kError}; }
  env::SpaceResult Space(fiber::Fiber&, std::string_view) override { return {.error = kError}; }
  std::vector<env::OpenCall> OpenCalls(MonoTime) const override { return {}; }

 private:
  static constexpr env::DiskError kError = env::DiskError::kAccessDenied;
};

class NoNetwork final : public env::Network {
 public:
  env::ListenResult Listen(fiber::Fiber&, const env::Address&) override {
    return {.listener = nullptr, .error = env::NetError::kBadAddress};
  }
  env::ConnectionResult Connect(fiber::Fiber&, const env::Address&, MonoTime) override {
    return {.connection = nullptr, .error = env::NetError::kUnreachable};
  }
};

class NoObserver final : public env::Observer {
 public:
  void On(const env::Observation&) override {}
};

}  // namespace odradek::sim
