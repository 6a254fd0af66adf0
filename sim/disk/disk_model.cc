#include "sim/disk/disk_model.h"

#include <algorithm>
#include <optional>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "sim/disk/inode.h"

namespace odradek::sim {
namespace {

using env::DiskError;
using env::FileKind;

constexpr size_t kNameBytesMax = 255;  // NAME_MAX
// Keeps offset + size far from overflow.
constexpr int64_t kFileBytesMax = int64_t{1} << 50;

constexpr uint64_t kNamesPurpose = base::HashName("power loss: names");
constexpr uint64_t kContentPurpose = base::HashName("power loss: content");

using Entries = Inode::Entries;

}  // namespace

// Where a path leads: the directory and the last name in it; target is nullptr if there is nothing there. The root is
// its own directory and has no name.
struct DiskModel::Place {
  InodeRef directory;
  std::string name;
  InodeRef target;
};

// After it, `name` in `directory` is `value`; nothing if nullptr.
struct DiskModel::Assignment {
  InodeRef directory;
  std::string name;
  InodeRef value;
};

struct DiskModel::NameChange {
  NameOperation operation = NameOperation::kCreate;
  std::string path;
  std::string to;
  std::vector<Assignment> assignments;
  bool moves_directory = false;
  InodeRef removed_directory;  // by its removal, or replaced by another one
  uint64_t number = 0;         // ascending
};

DiskModel::DiskModel(const DiskModelOptions& options) : options_(options), root_(NewInode(FileKind::kDirectory)) {}
DiskModel::~DiskModel() = default;

size_t DiskModel::pending_operation_count() const {
  return pending_.size();
}

InodeRef DiskModel::NewInode(FileKind kind) {
  return std::make_shared<Inode>(++last_inode_id_, kind, options_.ledger);
}

DiskError DiskModel::Resolve(std::string_view path, Place& place) const {
  place = {root_, "", root_};
  while (true) {
    // "file/" is no file.
    const bool wants_directory = path.starts_with('/') && place.target != nullptr;
    if (wants_directory && place.target->kind != FileKind::kDirectory) return DiskError::kNotADirectory;
    while (path.starts_with('/')) path.remove_prefix(1);
    if (path.empty()) return DiskError::kNone;
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (place.target == nullptr) return DiskError::kNotFound;
    if (name == ".") continue;
    if (name.size() > kNameBytesMax) return DiskError::kNameTooLong;
    if (place.target->kind != FileKind::kDirectory) return DiskError::kNotADirectory;
    const InodeRef directory = place.target;
    const auto at = directory->visible.find(name);
    place = {directory, std::string(name), at == directory->visible.end() ? nullptr : at->second};
  }
}

void DiskModel::ApplyVisible(const NameChange& change) {
  for (const Assignment& assignment : change.assignments) {
    if (assignment.value == nullptr) {
      assignment.directory->visible.erase(assignment.name);
    } else {
      assignment.directory->visible[assignment.name] = assignment.value;
    }
  }
}

void DiskModel::ApplyDurable(const NameChange& change) {
  for (const Assignment& assignment : change.assignments) {
    if (assignment.value == nullptr) {
      assignment.directory->durable.erase(assignment.name);
    } else {
      assignment.directory->durable[assignment.name] = assignment.value;
    }
  }
}

void DiskModel::AddChange(NameChange change) {
  ApplyVisible(change);
  change.number = ++last_change_;
  pending_.push_back(std::move(change));
  if (pending_.size() <= options_.pending_names_max) return;
  std::vector<bool> oldest_half(pending_.size(), false);
  std::fill_n(oldest_half.begin(), pending_.size() / 2, true);
  CommitNames(oldest_half);
}

DiskError DiskModel::Create(const Place& place, FileKind kind, std::string_view path) {
  REQUIRES(place.target == nullptr);
  if (free_bytes() == 0) return DiskError::kNoSpace;
  const InodeRef inode = NewInode(kind);
  inode->has_name = true;
  NameChange change;
  change.operation = kind == FileKind::kFile ? NameOperation::kCreate : NameOperation::kCreateDirectory;
  change.path = path;
  change.assignments.push_back({place.directory, place.name, inode});
  AddChange(std::move(change));
  return DiskError::kNone;
}

DiskModel::OpenOutcome DiskModel::Open(std::string_view path, env::OpenMode mode) {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return {nullptr, error};
  const bool creates = mode == env::OpenMode::kCreate || mode == env::OpenMode::kCreateNew;
  if (place.target != nullptr && mode == env::OpenMode::kCreateNew) return {nullptr, DiskError::kExists};
  if (place.target == nullptr) {
    if (!creates) return {nullptr, DiskError::kNotFound};
    // open("new/", O_CREAT) is EISDIR.
    if (path.ends_with('/')) return {nullptr, DiskError::kIsADirectory};
    if (const DiskError error = Create(place, FileKind::kFile, path); error != DiskError::kNone) {
      return {nullptr, error};
    }
    place.target = place.directory->visible.find(place.name)->second;
  }
  if (place.target->kind == FileKind::kDirectory) return {nullptr, DiskError::kIsADirectory};
  ++place.target->open_count;
  ++open_count_;
  return {place.target, DiskError::kNone};
}

void DiskModel::Close(const InodeRef& file) {
  REQUIRES(file->open_count > 0);
  --file->open_count;
  --open_count_;
  Account(*file);
}

void DiskModel::Account(Inode& file) {
  const bool takes_space = file.has_name || file.open_count > 0;
  const int64_t bytes = takes_space ? file.ledger.visible().allocated_bytes() : 0;
  used_bytes_ += bytes - file.accounted_bytes;
  file.accounted_bytes = bytes;
  INVARIANT(used_bytes_ >= 0);
}

int64_t DiskModel::free_bytes() const {
  // Space is given out in whole pages.
  const int64_t free = std::max<int64_t>(0, options_.capacity_bytes - used_bytes_);
  return free / kPageBytes * kPageBytes;
}

env::IoResult DiskModel::Read(const Inode& file, MutableBytes into, int64_t offset) const {
  REQUIRES(offset >= 0);
  const PagedContent& content = file.ledger.visible();
  const int64_t left_bytes = std::max<int64_t>(0, content.size_bytes() - offset);
  const auto count = std::min(into.size(), static_cast<size_t>(left_bytes));
  content.Read(into.first(count), offset);
  return {.size_bytes = static_cast<int64_t>(count)};
}

env::IoResult DiskModel::Write(Inode& file, Bytes bytes, int64_t offset) {
  REQUIRES(offset >= 0);
  const auto wanted_bytes = static_cast<int64_t>(bytes.size());
  if (offset > kFileBytesMax || wanted_bytes > kFileBytesMax - offset) return {.error = DiskError::kIo};
  int64_t free_pages = free_bytes() / kPageBytes;
  int64_t end = offset;
  while (end < offset + wanted_bytes) {
    if (!file.ledger.visible().HasPage(end / kPageBytes)) {
      if (free_pages == 0) break;
      --free_pages;
    }
    end = std::min(offset + wanted_bytes, (end / kPageBytes + 1) * kPageBytes);
  }
  const int64_t fits_bytes = end - offset;
  file.Change([&](FileLedger& ledger) { ledger.Write(bytes.first(static_cast<size_t>(fits_bytes)), offset); });
  Account(file);
  return {.size_bytes = fits_bytes, .error = fits_bytes < wanted_bytes ? DiskError::kNoSpace : DiskError::kNone};
}

DiskError DiskModel::Truncate(Inode& file, int64_t size_bytes) {
  REQUIRES(size_bytes >= 0);
  if (size_bytes > kFileBytesMax) return DiskError::kIo;
  file.Change([&](FileLedger& ledger) { ledger.Truncate(size_bytes); });
  Account(file);
  return DiskError::kNone;
}

uint64_t DiskModel::LastChange(const Inode& file) const {
  return file.ledger.last_change();
}

void DiskModel::Sync(Inode& file, uint64_t last_change) {
  file.Change([&](FileLedger& ledger) { ledger.Sync(last_change); });
}

void DiskModel::FailSync(Inode& file, uint64_t last_change) {
  file.Change([&](FileLedger& ledger) { ledger.FailSync(last_change); });
}

bool DiskModel::HasFailedSync(const Inode& file) const {
  return file.ledger.has_failed_sync();
}

void DiskModel::EvictClean(Inode& file) {
  file.Change([](FileLedger& ledger) { ledger.EvictClean(); });
  Account(file);
}

int64_t DiskModel::SizeOf(const Inode& file) const {
  return file.ledger.visible().size_bytes();
}

bool DiskModel::TryLock(Inode& file) {
  return !std::exchange(file.is_locked, true);
}

void DiskModel::Unlock(Inode& file) {
  REQUIRES(file.is_locked);
  file.is_locked = false;
}

namespace {

bool IsBelow(const InodeRef& directory, const Inode* wanted) {
  for (const auto& [name, inode] : directory->visible) {
    if (inode.get() == wanted) return true;
    if (inode->kind == FileKind::kDirectory && IsBelow(inode, wanted)) return true;
  }
  return false;
}

// What rename(2) refuses.
DiskError CheckReplace(const InodeRef& moved, const InodeRef& replaced) {
  if (replaced == nullptr) return DiskError::kNone;
  const bool moves_directory = moved->kind == FileKind::kDirectory;
  const bool replaces_directory = replaced->kind == FileKind::kDirectory;
  if (moves_directory && !replaces_directory) return DiskError::kNotADirectory;
  if (!moves_directory && replaces_directory) return DiskError::kIsADirectory;
  if (replaces_directory && !replaced->visible.empty()) return DiskError::kNotEmpty;
  return DiskError::kNone;
}

}  // namespace

DiskError DiskModel::Rename(std::string_view from, std::string_view to) {
  Place source;
  Place target;
  if (const DiskError error = Resolve(from, source); error != DiskError::kNone) return error;
  if (const DiskError error = Resolve(to, target); error != DiskError::kNone) return error;
  if (source.target == nullptr) return DiskError::kNotFound;
  if (source.target == target.target) return DiskError::kNone;
  if (source.name.empty() || target.name.empty()) return DiskError::kIo;
  const bool moves_directory = source.target->kind == FileKind::kDirectory;
  if (!moves_directory && to.ends_with('/')) return DiskError::kNotADirectory;
  const bool into_itself = source.target == target.directory || IsBelow(source.target, target.directory.get());
  if (moves_directory && into_itself) return DiskError::kIo;
  if (const DiskError error = CheckReplace(source.target, target.target); error != DiskError::kNone) return error;
  NameChange change;
  change.operation = NameOperation::kRename;
  change.path = from;
  change.to = to;
  change.assignments.push_back({source.directory, source.name, nullptr});
  change.assignments.push_back({target.directory, target.name, source.target});
  change.moves_directory = moves_directory;
  if (moves_directory) change.removed_directory = target.target;
  AddChange(std::move(change));
  if (target.target != nullptr) {
    target.target->has_name = false;
    Account(*target.target);
  }
  return DiskError::kNone;
}

DiskError DiskModel::Remove(std::string_view path) {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return error;
  if (place.target == nullptr) return DiskError::kNotFound;
  if (place.target->kind == FileKind::kDirectory) return DiskError::kIsADirectory;
  NameChange change;
  change.operation = NameOperation::kRemove;
  change.path = path;
  change.assignments.push_back({place.directory, place.name, nullptr});
  AddChange(std::move(change));
  place.target->has_name = false;
  Account(*place.target);
  return DiskError::kNone;
}

DiskError DiskModel::CreateDirectory(std::string_view path) {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return error;
  if (place.target != nullptr) return DiskError::kExists;
  return Create(place, FileKind::kDirectory, path);
}

DiskError DiskModel::RemoveDirectory(std::string_view path) {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return error;
  if (place.target == nullptr) return DiskError::kNotFound;
  if (place.target->kind != FileKind::kDirectory) return DiskError::kNotADirectory;
  if (place.name.empty()) return DiskError::kIo;
  if (!place.target->visible.empty()) return DiskError::kNotEmpty;
  NameChange change;
  change.operation = NameOperation::kRemoveDirectory;
  change.path = path;
  change.assignments.push_back({place.directory, place.name, nullptr});
  change.removed_directory = place.target;
  AddChange(std::move(change));
  place.target->has_name = false;
  return DiskError::kNone;
}

env::ListResult DiskModel::List(std::string_view path) const {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return {{}, error};
  if (place.target == nullptr) return {{}, DiskError::kNotFound};
  if (place.target->kind != FileKind::kDirectory) return {{}, DiskError::kNotADirectory};
  env::ListResult result;
  for (const auto& [name, inode] : place.target->visible) result.entries.push_back({name, inode->kind});
  return result;
}

env::StatResult DiskModel::Stat(std::string_view path) const {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return {.error = error};
  if (place.target == nullptr) return {.error = DiskError::kNotFound};
  const bool is_file = place.target->kind == FileKind::kFile;
  return {.kind = place.target->kind, .size_bytes = is_file ? SizeOf(*place.target) : 0};
}

InodeRef DiskModel::Find(std::string_view path) const {
  Place place;
  if (Resolve(path, place) != DiskError::kNone) return nullptr;
  return place.target != nullptr && place.target->kind == FileKind::kFile ? place.target : nullptr;
}

namespace {

void CollectFiles(const InodeRef& directory, const std::string& prefix,
                  std::vector<std::pair<std::string, InodeRef>>& files) {
  for (const auto& [name, inode] : directory->visible) {
    if (inode->kind == FileKind::kFile) {
      files.emplace_back(prefix + name, inode);
    } else {
      CollectFiles(inode, prefix + name + "/", files);
    }
  }
}

// What is seen becomes what is durable, below `directory`.
void ShowDurable(const InodeRef& directory) {
  directory->visible = directory->durable;
  directory->has_name = true;
  for (const auto& [name, inode] : directory->visible) {
    inode->has_name = true;
    if (inode->kind == FileKind::kDirectory) ShowDurable(inode);
  }
}

}  // namespace

std::vector<std::pair<std::string, InodeRef>> DiskModel::Files() const {
  std::vector<std::pair<std::string, InodeRef>> files;
  CollectFiles(root_, "", files);
  return files;
}

void DiskModel::VisitFiles(View view, std::string_view folder, const Visitor& visitor) const {
  const auto entries_of = [&](const Inode& directory) -> const Entries& {
    return view == View::kDurable || view == View::kIntactDurable ? directory.durable : directory.visible;
  };
  const auto visit = [&](const auto& again, const Inode& directory, const std::string& prefix) -> void {
    for (const auto& [name, inode] : entries_of(directory)) {
      if (inode->kind == FileKind::kDirectory) {
        again(again, *inode, prefix + name + "/");
      } else {
        visitor(prefix + name, inode->Content(view));
      }
    }
  };
  const Inode* at = root_.get();
  while (!folder.empty()) {
    const std::string_view name = folder.substr(0, folder.find('/'));
    folder.remove_prefix(std::min(folder.size(), name.size() + 1));
    const auto entry = entries_of(*at).find(name);
    if (entry == entries_of(*at).end() || entry->second->kind != FileKind::kDirectory) return;
    at = entry->second.get();
  }
  visit(visit, *at, "");
}

bool DiskModel::DependsOn(const NameChange& later, const NameChange& earlier) {
  if (later.moves_directory && earlier.moves_directory) return true;
  const bool brings_entry =
      later.operation == NameOperation::kRename || later.operation == NameOperation::kCreateDirectory;
  for (const Assignment& of_earlier : earlier.assignments) {
    // A directory is removed when it is empty, not before.
    if (later.removed_directory == of_earlier.directory) return true;
    for (const Assignment& of_later : later.assignments) {
      if (of_later.directory == of_earlier.directory && of_later.name == of_earlier.name) return true;
      // What had a durable name must not move into a directory that has none.
      if (brings_entry && of_later.directory == of_earlier.value) return true;
    }
  }
  return false;
}

void DiskModel::CloseUnderDependencies(std::vector<bool>& kept) const {
  REQUIRES(kept.size() == pending_.size());
  for (size_t later = pending_.size(); later-- > 0;) {
    if (!kept[later]) continue;
    for (size_t earlier = 0; earlier < later; ++earlier) {
      if (!kept[earlier] && DependsOn(pending_[later], pending_[earlier])) kept[earlier] = true;
    }
  }
}

void DiskModel::CommitNames(const std::vector<bool>& kept) {
  std::vector<NameChange> rest;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (kept[i]) {
      ApplyDurable(pending_[i]);
    } else {
      rest.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(rest);
}

DiskError DiskModel::SyncDirectory(std::string_view path, uint64_t last_change) {
  Place place;
  if (const DiskError error = Resolve(path, place); error != DiskError::kNone) return error;
  if (place.target == nullptr) return DiskError::kNotFound;
  if (place.target->kind != FileKind::kDirectory) return DiskError::kNotADirectory;
  std::vector<bool> kept(pending_.size(), false);
  for (size_t i = 0; i < pending_.size() && pending_[i].number <= last_change; ++i) {
    for (const Assignment& assignment : pending_[i].assignments) {
      if (assignment.directory == place.target) kept[i] = true;
    }
  }
  CloseUnderDependencies(kept);
  CommitNames(kept);
  return DiskError::kNone;
}

std::vector<bool> DiskModel::DrawKeptNames(uint64_t draw_seed, PowerLossFate fate) const {
  std::vector<bool> kept(pending_.size(), fate == PowerLossFate::kKeepAll);
  if (fate != PowerLossFate::kDrawn) return kept;
  base::Prng draws(base::KeyedDraw(draw_seed, 0, kNamesPurpose, 0));
  // As for contents: none, all, a prefix, or each by itself.
  const uint64_t shape = draws.Below(6);
  const uint64_t prefix_count = draws.Below(pending_.size() + 1);
  constexpr uint64_t kSurvivalPpm[] = {200000, 500000, 900000};
  const uint64_t survival_ppm = kSurvivalPpm[draws.Below(std::size(kSurvivalPpm))];
  for (size_t i = 0; i < pending_.size(); ++i) {
    const bool drawn = draws.PartsPerMillion(survival_ppm);
    kept[i] = shape == 0 ? false : shape == 1 ? true : shape == 2 ? i < prefix_count : drawn;
  }
  CloseUnderDependencies(kept);
  return kept;
}

PowerLossReport DiskModel::LosePower(uint64_t draw_seed, PowerLossFate fate) {
  REQUIRES(open_count_ == 0);
  struct Before {
    std::string path;
    InodeRef file;
    PagedContent content;
  };
  std::vector<Before> before;
  for (const auto& [path, file] : Files()) {
    before.push_back({path, file, file->ledger.visible()});
    file->has_name = false;
  }
  PowerLossReport report;
  const std::vector<bool> kept = DrawKeptNames(draw_seed, fate);
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (!kept[i]) report.names.push_back({pending_[i].operation, pending_[i].path, pending_[i].to});
  }
  CommitNames(kept);
  pending_.clear();
  ShowDurable(root_);
  for (const auto& [path, file] : Files()) {
    // The same draws for both: a loss takes from the twin what it takes from the file.
    file->Change([&](FileLedger& ledger) {
      base::Prng draws(base::KeyedDraw(draw_seed, file->id, kContentPurpose, 0));
      ledger.LosePower(draws, fate);
    });
  }
  RecountSpace();
  for (const Before& old : before) {
    LostContent lost;
    lost.path = old.path;
    lost.is_gone = !old.file->has_name;
    lost.size_before_bytes = old.content.size_bytes();
    lost.size_after_bytes = SizeOf(*old.file);
    const int64_t end = std::max(lost.size_before_bytes, lost.size_after_bytes);
    lost.changed = PagedContent::Differences(old.content, old.file->ledger.visible(), end);
    const bool same = !lost.is_gone && lost.changed.empty() && lost.size_before_bytes == lost.size_after_bytes;
    if (lost.is_gone) lost = {.path = old.path, .is_gone = true, .changed = {}};
    if (!same) report.contents.push_back(std::move(lost));
  }
  return report;
}

void DiskModel::RecountSpace() {
  used_bytes_ = 0;
  for (const auto& [path, file] : Files()) {
    file->accounted_bytes = file->ledger.visible().allocated_bytes();
    used_bytes_ += file->accounted_bytes;
  }
}

void DiskModel::Wipe() {
  REQUIRES(open_count_ == 0);
  pending_.clear();
  root_ = NewInode(FileKind::kDirectory);
  used_bytes_ = 0;
}

}  // namespace odradek::sim
