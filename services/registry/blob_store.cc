#include "services/registry/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "services/registry/client/sha256.h"
#include "services/registry/registry_errors.h"

namespace so {
namespace {

namespace fs = std::filesystem;

absl::Status SyncPath(const std::string& path, int flags) {
  const UniqueFd fd(open(path.c_str(), flags | O_RDONLY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return StorageFullError();
  return absl::OkStatus();
}

// Creates `path` durably unless it is there.
absl::Status MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) {
    return SyncPath(fs::path(path).parent_path().string(), O_DIRECTORY);
  }
  return errno == EEXIST ? absl::OkStatus() : StorageFullError();
}

absl::Status WriteAndSync(const std::string& path, absl::string_view content) {
  const UniqueFd fd(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return StorageFullError();
  while (!content.empty()) {
    const ssize_t n = write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return StorageFullError();
    content.remove_prefix(n);
  }
  return fsync(fd.get()) == 0 ? absl::OkStatus() : StorageFullError();
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno == ENOENT ? absl::NotFoundError("no such code")
                           : absl::InternalError("code cannot be opened");
  }
  struct stat info;
  if (fstat(fd.get(), &info) != 0) {
    return absl::InternalError("code cannot be examined");
  }
  std::string content(info.st_size, '\0');
  size_t have = 0;
  while (have < content.size()) {
    const ssize_t n = read(fd.get(), &content[have], content.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return absl::DataLossError("code cannot be read");
    have += n;
  }
  return content;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> BlobStore::Open(
    std::string directory) {
  SO_RETURN_IF_ERROR(MakeFolder(directory));
  return std::unique_ptr<BlobStore>(new BlobStore(std::move(directory)));
}

absl::StatusOr<BlobStore::Sweep> BlobStore::RemoveOthers(
    const absl::flat_hash_set<std::string>& referenced) {
  Sweep sweep;
  absl::flat_hash_set<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator it(directory_, error);
  for (const fs::recursive_directory_iterator end; !error && it != end;
       it.increment(error)) {
    if (it->is_directory(error)) continue;
    const std::string name = it->path().filename().string();
    if (referenced.contains(name)) {
      found.insert(name);
    } else if (fs::remove(it->path(), error)) {
      ++sweep.removed;
    }
  }
  if (error) return absl::InternalError("the code directory cannot be swept");
  sweep.missing = static_cast<int>(referenced.size() - found.size());
  MutexLock lock(mu_);
  durable_ = std::move(found);
  return sweep;
}

absl::Status BlobStore::Put(const std::string& sha256,
                            absl::string_view content) {
  if (IsDurable(sha256)) return absl::OkStatus();
  const std::string folder = FolderOf(sha256);
  SO_RETURN_IF_ERROR(MakeFolder(folder));
  const std::string unfinished =
      absl::StrCat(folder, "/unfinished-", RandomToken(16));
  if (absl::Status written = WriteAndSync(unfinished, content); !written.ok()) {
    unlink(unfinished.c_str());
    return written;
  }
  const std::string path = absl::StrCat(folder, "/", sha256);
  if (rename(unfinished.c_str(), path.c_str()) != 0) {
    unlink(unfinished.c_str());
    return StorageFullError();
  }
  SO_RETURN_IF_ERROR(SyncPath(folder, O_DIRECTORY));
  MutexLock lock(mu_);
  durable_.insert(sha256);
  return absl::OkStatus();
}

absl::StatusOr<std::string> BlobStore::Get(const std::string& sha256) const {
  SO_ASSIGN_OR_RETURN(std::string content,
                      ReadAll(absl::StrCat(FolderOf(sha256), "/", sha256)));
  if (Sha256Hex(content) != sha256) {
    return absl::DataLossError("stored code has been altered");
  }
  return content;
}

std::string BlobStore::FolderOf(const std::string& sha256) const {
  return absl::StrCat(directory_, "/", sha256.substr(0, 2));
}

bool BlobStore::IsDurable(const std::string& sha256) const {
  MutexLock lock(mu_);
  return durable_.contains(sha256);
}

}  // namespace so
