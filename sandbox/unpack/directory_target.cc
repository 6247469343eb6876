#include "sandbox/unpack/directory_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace so::unpack {
namespace {

std::string Failure(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

DirectoryTarget::DirectoryTarget(const std::string& path)
    : directory_(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

// No link is ever made here, so a clean path stays below the directory.
std::string DirectoryTarget::Folder(const std::string& path) {
  for (size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (mkdirat(directory_.get(), folder.c_str(), 0755) != 0 &&
        errno != EEXIST) {
      return Failure("a folder cannot be made");
    }
    if (slash == std::string::npos) return "";
  }
}

std::string DirectoryTarget::File(const std::string& path, bool executable) {
  file_ = UniqueFd(openat(directory_.get(), path.c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          executable ? 0755 : 0644));
  return file_.valid() ? "" : Failure("a file cannot be made");
}

std::string DirectoryTarget::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure("a file cannot be written");
    bytes.remove_prefix(n);
  }
  return "";
}

}  // namespace so::unpack
