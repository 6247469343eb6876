#include "runtimes/node/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <initializer_list>

namespace so::runtimes {

InstanceDescriptors::InstanceDescriptors() {
  int output[2] = {-1, -1}, channel[2] = {-1, -1};
  ok_ = pipe2(output, O_CLOEXEC) == 0 &&
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0 &&
        Replace(saved_[0], output[1]) && Replace(saved_[1], output[1]) &&
        Replace(saved_[2], channel[1]);
  for (const int fd : {output[0], output[1], channel[0], channel[1]}) {
    if (fd >= 0) close(fd);
  }
}

InstanceDescriptors::~InstanceDescriptors() {
  for (const Saved& saved : saved_) {
    if (saved.copy < 0) continue;
    dup2(saved.copy, saved.fd);
    fcntl(saved.fd, F_SETFD, saved.flags);
    close(saved.copy);
  }
}

bool InstanceDescriptors::Replace(Saved& saved, int by) {
  saved.flags = fcntl(saved.fd, F_GETFD);
  saved.copy = fcntl(saved.fd, F_DUPFD_CLOEXEC, 0);
  return saved.copy >= 0 && dup2(by, saved.fd) == saved.fd;
}

}  // namespace so::runtimes
