// so-unpack ARCHIVE DIRECTORY: unpacks a zip or tar.gz into an empty directory.
// Runs in a sandbox, because what it reads comes from strangers. Exits 0; or 1,
// with one line on standard output that says why the archive is refused; or 2
// when it could not do its work.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <clocale>
#include <cstdio>

#include "base/unique_fd.h"
#include "sandbox/unpack/directory_target.h"
#include "sandbox/unpack/unpack.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: so-unpack ARCHIVE DIRECTORY\n");
    return 2;
  }
  std::setlocale(LC_CTYPE, "C.UTF-8");
  umask(022);
  const so::UniqueFd file(open(argv[1], O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (!file.valid() || fstat(file.get(), &info) != 0 || info.st_size == 0) {
    std::fprintf(stderr, "so-unpack: the archive cannot be read\n");
    return 2;
  }
  void* bytes =
      mmap(nullptr, info.st_size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  so::unpack::DirectoryTarget target(argv[2]);
  if (bytes == MAP_FAILED || !target.valid()) {
    std::fprintf(stderr, "so-unpack: archive or directory cannot be opened\n");
    return 2;
  }
  const std::string problem = so::unpack::Unpack(
      std::string_view(static_cast<const char*>(bytes), info.st_size), {},
      target);
  if (problem.empty()) return 0;
  std::printf("%s\n", problem.c_str());
  return 1;
}
