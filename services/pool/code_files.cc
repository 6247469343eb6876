#include "services/pool/code_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace so {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kReadableDir = 0555;
constexpr mode_t kReadableFile = 0444;
constexpr mode_t kRunnableFile = 0555;
constexpr size_t kChunkBytes = 256 << 10;

absl::Status DiskError(absl::string_view what, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat("code cache: ", what, ": ", why));
}

absl::Status LastError(absl::string_view what) {
  return DiskError(what, strerror(errno));
}

absl::Status WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return LastError("write");
    bytes.remove_prefix(n);
  }
  return absl::OkStatus();
}

absl::Status WriteFile(const std::string& path, absl::string_view content) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                         kReadableFile));
  if (!fd.valid()) return LastError("create");
  SO_RETURN_IF_ERROR(WriteAll(fd.get(), content));
  return fchmod(fd.get(), kReadableFile) == 0 ? absl::OkStatus()
                                              : LastError("permissions");
}

absl::Status CloseFolders(const std::string& dir) {
  std::error_code error;
  const auto readable = static_cast<fs::perms>(kReadableDir);
  for (const auto& entry : fs::recursive_directory_iterator(dir, error)) {
    if (entry.is_directory()) fs::permissions(entry.path(), readable, error);
  }
  if (!error) fs::permissions(dir, readable, error);
  return error ? DiskError("permissions", error.message()) : absl::OkStatus();
}

// Copies one tree; nothing in it is followed, and no file is opened by more
// than its last name.
class TreeCopy {
 public:
  explicit TreeCopy(const TreeLimits& limits)
      : left_(limits), buffer_(kChunkBytes, '\0') {}

  absl::Status CopyFolder(int from, const std::string& from_name,
                          const std::string& to) {
    const UniqueFd folder(
        openat(from, from_name.c_str(),
               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.valid()) return LastError("open folder");
    if (mkdir(to.c_str(), 0755) != 0) return LastError("folder");
    std::error_code error;
    // By the descriptor: the name may have come to mean something else.
    for (const auto& entry : fs::directory_iterator(
             absl::StrCat("/proc/self/fd/", folder.get()), error)) {
      SO_RETURN_IF_ERROR(
          CopyEntry(folder.get(), entry.path().filename().string(), to));
    }
    if (error) return DiskError("list", error.message());
    return chmod(to.c_str(), kReadableDir) == 0 ? absl::OkStatus()
                                                : LastError("permissions");
  }

 private:
  absl::Status CopyEntry(int from, const std::string& name,
                         const std::string& to_folder) {
    if (--left_.entries < 0) {
      return absl::InvalidArgumentError("the result has too many files");
    }
    struct stat info;
    if (fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return LastError("examine");
    }
    const std::string to = absl::StrCat(to_folder, "/", name);
    if (S_ISDIR(info.st_mode)) return CopyFolder(from, name, to);
    if (!S_ISREG(info.st_mode)) {
      return absl::InvalidArgumentError(
          "the result has something in it that is neither a file nor a folder");
    }
    return CopyFile(from, name, to, (info.st_mode & S_IXUSR) != 0);
  }

  absl::Status CopyFile(int from, const std::string& name,
                        const std::string& to, bool runnable) {
    const UniqueFd in(openat(from, name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const UniqueFd out(
        open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!in.valid() || !out.valid()) return LastError("copy");
    while (true) {
      const ssize_t n = read(in.get(), buffer_.data(), buffer_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return LastError("read");
      if (n == 0) break;
      if ((left_.bytes -= n) < 0) {
        return absl::InvalidArgumentError("the result is too large");
      }
      SO_RETURN_IF_ERROR(
          WriteAll(out.get(), absl::string_view(buffer_.data(), n)));
    }
    return fchmod(out.get(), runnable ? kRunnableFile : kReadableFile) == 0
               ? absl::OkStatus()
               : LastError("permissions");
  }

  TreeLimits left_;
  std::string buffer_;
};

}  // namespace

absl::Status PrepareCacheDirectory(const std::string& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (!error) fs::permissions(dir, static_cast<fs::perms>(0711), error);
  if (error) return DiskError(dir, error.message());
  for (const auto& entry : fs::directory_iterator(dir, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(std::string(kUnfinishedPrefix), 0) == 0) {
      RemoveTree(entry.path().string());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MakeWorkFolder(const std::string& dir) {
  std::string path = absl::StrCat(dir, "/", kUnfinishedPrefix, RandomToken(12));
  SO_RETURN_IF_ERROR(MakeFolder(path));
  return path;
}

absl::Status MakeFolder(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 ? absl::OkStatus()
                                        : LastError("folder");
}

absl::Status WriteFiles(const std::string& dir,
                        const std::vector<std::string>& files,
                        absl::string_view content) {
  SO_RETURN_IF_ERROR(MakeFolder(dir));
  std::error_code error;
  for (const std::string& file : files) {
    const fs::path path = fs::path(dir) / file;
    fs::create_directories(path.parent_path(), error);
    if (error) return DiskError("folder", error.message());
    if (file == files.front()) {
      SO_RETURN_IF_ERROR(WriteFile(path.string(), content));
      continue;
    }
    fs::create_hard_link(fs::path(dir) / files.front(), path, error);
    if (error) return DiskError("link", error.message());
  }
  return CloseFolders(dir);
}

absl::Status CopyTree(const std::string& from, const std::string& to,
                      const TreeLimits& limits) {
  return TreeCopy(limits).CopyFolder(AT_FDCWD, from, to);
}

absl::Status Publish(const std::string& dir, const std::string& path) {
  {
    // The name must not outlive the content when the power fails.
    const UniqueFd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || syncfs(fd.get()) != 0) return LastError("sync");
  }
  // A folder can only be moved by those who may write to it.
  if (chmod(dir.c_str(), 0755) != 0) return LastError("permissions");
  if (rename(dir.c_str(), path.c_str()) != 0 && errno != EEXIST &&
      errno != ENOTEMPTY) {
    return LastError("rename");
  }
  return chmod(path.c_str(), kReadableDir) == 0 ? absl::OkStatus()
                                                : LastError("permissions");
}

void RemoveTree(const std::string& path) {
  std::error_code ignored;
  fs::permissions(path, fs::perms::owner_all, ignored);
  for (fs::recursive_directory_iterator
           it(path, fs::directory_options::skip_permission_denied, ignored),
       end;
       !ignored && it != end; it.increment(ignored)) {
    if (it->is_directory(ignored) && !it->is_symlink(ignored)) {
      // Before the iterator descends into it.
      fs::permissions(it->path(), fs::perms::owner_all, ignored);
    }
  }
  fs::remove_all(path, ignored);
}

}  // namespace so
