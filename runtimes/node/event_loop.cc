#include "runtimes/node/event_loop.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Of libuv, which is part of every node.
extern "C" int uv_loop_fork(uv_loop_s* loop);

namespace so::runtimes {
namespace {

constexpr int kFirstFd = 4;
// Always open on /dev/null in a sandbox.
constexpr int kNullFd = 0;

[[noreturn]] void Fail(const char* what) {
  dprintf(STDERR_FILENO, "the event loop did not survive the fork: %s\n", what);
  _exit(1);
}

bool SameFile(int fd, const struct stat& other) {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_ino == other.st_ino &&
         status.st_dev == other.st_dev;
}

// The lock is the pipe that holds one byte while nobody has the lock.
bool IsLock(int fd, struct stat* status) {
  int waiting = 0;
  return fstat(fd, status) == 0 && S_ISFIFO(status->st_mode) &&
         (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY &&
         ioctl(fd, FIONREAD, &waiting) == 0 && waiting == 1;
}

}  // namespace

EventLoopFork::EventLoopFork(uv_loop_s* loop) : loop_(loop) {
  ListDescriptors();
  FindSignalLock();
  FillHoles();
}

void EventLoopFork::ListDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) Fail("no /proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (fd != dirfd(directory)) last_fd_ = std::max(last_fd_, fd);
    char target[64] = {};
    if (readlinkat(dirfd(directory), entry->d_name, target,
                   sizeof(target) - 1) > 0 &&
        std::strcmp(target, "anon_inode:[eventfd]") == 0) {
      wakers_.push_back(fd);
    }
  }
  closedir(directory);
}

void EventLoopFork::FindSignalLock() {
  struct stat lock;
  for (int fd = kFirstFd; fd <= last_fd_; ++fd) {
    if (!IsLock(fd, &lock)) continue;
    for (int other = kFirstFd; other <= last_fd_; ++other) {
      if (other == fd || !SameFile(other, lock)) continue;
      lock_[0] = fd;
      lock_[1] = other;
      return;
    }
  }
  Fail("no lock for signals");
}

// A fork renews the lock on the lowest free descriptors: these shall be those
// that it had.
void EventLoopFork::FillHoles() {
  for (int fd = kFirstFd; fd <= last_fd_; ++fd) {
    if (fcntl(fd, F_GETFD) < 0) dup3(kNullFd, fd, O_CLOEXEC);
  }
}

void EventLoopFork::RestoreSignalLock() {
  int lock[2];
  if (pipe2(lock, O_CLOEXEC) < 0) Fail("no pipe");
  for (int end = 0; end < 2; ++end) {
    dup3(lock[end], lock_[end], O_CLOEXEC);
    close(lock[end]);
  }
  if (write(lock_[1], "", 1) != 1) Fail("no lock for signals");
}

void EventLoopFork::Revive() {
  // New descriptors go above everything that libuv may close.
  for (int fd = kFirstFd; fd <= last_fd_; ++fd) {
    if (dup3(kNullFd, fd, O_CLOEXEC) < 0) Fail("no descriptors");
  }
  RestoreSignalLock();
  if (uv_loop_fork(loop_) != 0) Fail("uv_loop_fork");
  struct stat null;
  fstat(kNullFd, &null);
  const int nobody = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  for (const int fd : wakers_) {
    if (SameFile(fd, null)) dup3(nobody, fd, O_CLOEXEC);
  }
  close(nobody);
  for (int fd = kFirstFd; fd <= last_fd_; ++fd) {
    if (SameFile(fd, null)) close(fd);
  }
}

}  // namespace so::runtimes
