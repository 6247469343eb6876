#include "sandbox/isolation/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace so::isolation {
namespace {

constexpr int kChannelFd = 3;

Outcome CloseRange(unsigned first, unsigned last) {
  if (first > last) return {};
  return Check(syscall(SYS_close_range, first, last, 0), "close descriptors");
}

}  // namespace

Outcome ListDescriptors(int above, std::vector<int>& fds) {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return Failed("list descriptors");
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd >= above && fd != dirfd(directory)) fds.push_back(fd);
  }
  closedir(directory);
  std::sort(fds.begin(), fds.end());
  return {};
}

Outcome CloseAllBut(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned next = 0;
  for (const int fd : kept) {
    const unsigned current = static_cast<unsigned>(fd);
    if (current > next) SO_RETURN_IF_FAILED(CloseRange(next, current - 1));
    next = current + 1;
  }
  return CloseRange(next, ~0U);
}

Outcome ArrangeDescriptors(const StandardDescriptors& standard,
                           const std::vector<int>& runtime,
                           std::vector<int> kept) {
  // Opened anew for each sandbox: an open file has flags, and whoever shares it
  // can change them.
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  SO_RETURN_IF_FAILED(Check(null, "open /dev/null"));
  SO_RETURN_IF_FAILED(Check(dup2(null, STDIN_FILENO), "dup"));
  SO_RETURN_IF_FAILED(Check(dup2(standard.output, STDOUT_FILENO), "dup"));
  SO_RETURN_IF_FAILED(Check(dup2(standard.output, STDERR_FILENO), "dup"));
  SO_RETURN_IF_FAILED(
      Check(dup3(standard.channel, kChannelFd, O_CLOEXEC), "dup"));
  for (const int fd : runtime) {
    SO_RETURN_IF_FAILED(Check(dup3(null, fd, O_CLOEXEC), "dup"));
  }
  for (int fd = 0; fd <= kChannelFd; ++fd) kept.push_back(fd);
  kept.insert(kept.end(), runtime.begin(), runtime.end());
  return CloseAllBut(std::move(kept));
}

}  // namespace so::isolation
