// A file or a directory of DiskModel. For sim/disk only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "engine/env/disk.h"
#include "sim/disk/disk_model.h"
#include "sim/disk/file_ledger.h"

namespace odradek::sim {

class Inode {
 public:
  using Entries = std::map<std::string, InodeRef, std::less<>>;

  Inode(uint64_t id, env::FileKind kind, const FileLedger::Limits& limits) : id(id), kind(kind), ledger(limits) {}

  // What happens to the file whether it is damaged or not.
  template <typename Function>
  void Change(const Function& function) {
    function(ledger);
    if (intact != nullptr) function(*intact);
  }
  // Before a damage.
  FileLedger& ToDamage() {
    if (intact == nullptr) intact = std::make_unique<FileLedger>(ledger);
    return ledger;
  }
  const PagedContent& Content(DiskModel::View view) const {
    using View = DiskModel::View;
    const bool wants_twin = view == View::kIntact || view == View::kIntactDurable;
    const FileLedger& which = wants_twin && intact != nullptr ? *intact : ledger;
    return view == View::kDurable || view == View::kIntactDurable ? which.durable() : which.visible();
  }

  const uint64_t id;
  const env::FileKind kind;
  // Files.
  FileLedger ledger;
  std::unique_ptr<FileLedger> intact;  // the twin of a file that was damaged
  int64_t open_count = 0;
  bool has_name = false;  // that is seen
  bool is_locked = false;
  int64_t accounted_bytes = 0;
  // Directories.
  Entries visible;
  Entries durable;
};

}  // namespace odradek::sim
