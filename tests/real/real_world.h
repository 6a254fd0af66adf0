// A node on the operating system for tests: a folder of its own that goes away with it, and one call that runs a fiber
// until it has ended.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "engine/real/node.h"

namespace odradek::real {

class RealWorld {
 public:
  RealWorld() : RealWorld(RealNode::Options{}) {}
  explicit RealWorld(RealNode::Options options) : folder_(MakeFolder()), node_(WithRoot(std::move(options), folder_)) {}
  ~RealWorld() {
    node_.Kill();
    std::filesystem::remove_all(folder_);
  }
  RealWorld(const RealWorld&) = delete;
  RealWorld& operator=(const RealWorld&) = delete;

  env::Env& env() { return node_.env(); }
  RealNode& node() { return node_; }
  const std::string& folder() const { return folder_; }

  void Run(fiber::Body body) {
    env().scheduler.Spawn("test", [this, body = std::move(body)](fiber::Fiber& self) mutable {
      body(self);
      node_.Stop();
    });
    node_.Run();
  }

 private:
  static std::string MakeFolder() {
    std::string pattern = testing::TempDir() + "odradek_real_XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    return pattern;
  }
  static RealNode::Options WithRoot(RealNode::Options options, const std::string& folder) {
    options.disk_root = folder;
    return options;
  }

  const std::string folder_;
  RealNode node_;
};

}  // namespace odradek::real
