#include "services/pool/code_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/ids.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "services/registry/client/sha256.h"

namespace so {
namespace {

namespace fs = std::filesystem;

constexpr fs::perms kReadableDir = static_cast<fs::perms>(0555);
constexpr mode_t kReadableFile = 0444;
constexpr absl::string_view kUnfinished = ".new-";

absl::Status DiskError(absl::string_view what, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat("code cache: ", what, ": ", why));
}

absl::Status WriteFile(const std::string& path, const std::string& content) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                         kReadableFile));
  if (!fd.valid()) return DiskError("create", strerror(errno));
  for (size_t written = 0; written < content.size();) {
    const ssize_t now =
        write(fd.get(), content.data() + written, content.size() - written);
    if (now < 0) return DiskError("write", strerror(errno));
    written += now;
  }
  // The name must not outlive the content when the power fails.
  if (fchmod(fd.get(), kReadableFile) != 0 || fsync(fd.get()) != 0) {
    return DiskError("sync", strerror(errno));
  }
  return absl::OkStatus();
}

// Fills `dir`, which exists; the further files are links to the first.
absl::Status FillDirectory(const fs::path& dir,
                           const std::vector<std::string>& files,
                           const std::string& content) {
  std::error_code error;
  for (const std::string& file : files) {
    const fs::path path = dir / file;
    fs::create_directories(path.parent_path(), error);
    if (error) return DiskError("folder", error.message());
    if (file == files.front()) {
      SO_RETURN_IF_ERROR(WriteFile(path.string(), content));
      continue;
    }
    fs::create_hard_link(dir / files.front(), path, error);
    if (error) return DiskError("link", error.message());
  }
  fs::permissions(dir, kReadableDir, error);
  for (const auto& entry : fs::recursive_directory_iterator(dir, error)) {
    if (entry.is_directory())
      fs::permissions(entry.path(), kReadableDir, error);
  }
  if (error) return DiskError("permissions", error.message());
  return absl::OkStatus();
}

// Distinguishes directories with the same content under other names.
std::string DirectoryName(const std::string& sha256,
                          const std::vector<std::string>& files) {
  return absl::StrCat(sha256, "-",
                      Sha256Hex(absl::StrJoin(files, "\n")).substr(0, 16));
}

}  // namespace

absl::Status WriteCodeDirectory(const std::string& path,
                                const std::vector<std::string>& files,
                                const std::string& content) {
  const fs::path target(path);
  const fs::path unfinished =
      target.parent_path() /
      absl::StrCat(std::string(kUnfinished), RandomToken(12));
  std::error_code error;
  fs::create_directory(unfinished, error);
  if (error) return DiskError("folder", error.message());
  absl::Status status = FillDirectory(unfinished, files, content);
  if (status.ok()) {
    fs::rename(unfinished, target, error);
    if (error) status = DiskError("rename", error.message());
  }
  if (!status.ok()) fs::remove_all(unfinished, error);
  return status;
}

absl::StatusOr<std::unique_ptr<CodeCache>> CodeCache::Create(
    Options options, CodeSource& source) {
  std::error_code error;
  fs::create_directories(options.dir, error);
  if (!error) {
    fs::permissions(options.dir, static_cast<fs::perms>(0711), error);
  }
  if (error) return DiskError(options.dir, error.message());
  for (const auto& entry : fs::directory_iterator(options.dir, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(std::string(kUnfinished), 0) == 0) {
      fs::remove_all(entry.path(), error);
    }
  }
  return std::unique_ptr<CodeCache>(new CodeCache(std::move(options), source));
}

CodeCache::CodeCache(Options options, CodeSource& source)
    : options_(std::move(options)), source_(source) {}

void CodeCache::Prepare(const FunctionPtr& function, OnReady done) {
  const Runtime* runtime = options_.runtimes.Find(function->runtime());
  if (runtime == nullptr) {
    done(absl::UnavailableError(
        absl::StrCat("no runtime ", function->runtime(), " on this node")));
    return;
  }
  absl::StatusOr<std::vector<std::string>> files =
      runtime->SourceFiles(function->handler());
  if (!files.ok()) {
    done(files.status());
    return;
  }
  const std::string path = absl::StrCat(
      options_.dir, "/", DirectoryName(function->code_sha256(), *files));
  if (access(path.c_str(), F_OK) == 0) {
    done(path);
    return;
  }
  std::vector<OnReady>& waiting = waiting_[path];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  source_.Fetch(
      function->code_sha256(), [this, path, files = *std::move(files)](
                                   absl::StatusOr<Code> code) mutable {
        options_.disk.Post([this, path, files = std::move(files),
                            code = std::move(code)] {
          absl::Status status = code.status();
          if (status.ok() && code->is_archive) {
            status = absl::UnavailableError("archives are not supported yet");
          } else if (status.ok()) {
            status = WriteCodeDirectory(path, files, code->content);
          }
          options_.loop.Post([this, path, status] { Finish(path, status); });
        });
      });
}

void CodeCache::Finish(const std::string& path, const absl::Status& status) {
  const auto it = waiting_.find(path);
  if (it == waiting_.end()) return;
  std::vector<OnReady> waiting = std::move(it->second);
  waiting_.erase(it);
  for (OnReady& done : waiting) {
    if (status.ok()) {
      done(path);
    } else {
      done(status);
    }
  }
}

}  // namespace so
