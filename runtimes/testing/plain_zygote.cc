// ServeZygote without isolation, for tests without privileges: plain forks that
// keep the promises about descriptors and signals.
//
// On kZygoteFd, a SEQPACKET socket: a request is one byte with the channel and
// the output as descriptors. Each fork and each exit is answered with an
// Answer.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "sandbox/isolation/zygote.h"

namespace so::isolation {
namespace {

struct Answer {
  enum Kind : int { kForked = 0, kEnded = 1 };
  int kind = kForked;
  int pid = 0;
  int status = 0;
};

struct Request {
  int channel = -1;
  int output = -1;
};

[[noreturn]] void Fail(const char* what) {
  std::perror(what);
  _exit(1);
}

// False at the end of the socket.
bool Receive(Request* request) {
  char byte = 0;
  iovec data = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  msghdr message = {.msg_iov = &data,
                    .msg_iovlen = 1,
                    .msg_control = control,
                    .msg_controllen = sizeof(control)};
  if (recvmsg(kZygoteFd, &message, MSG_CMSG_CLOEXEC) <= 0) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len != CMSG_LEN(2 * sizeof(int))) {
    Fail("a request without descriptors");
  }
  std::memcpy(&request->channel, CMSG_DATA(header), sizeof(int));
  std::memcpy(&request->output, CMSG_DATA(header) + sizeof(int), sizeof(int));
  return true;
}

void Tell(const Answer& answer) {
  if (send(kZygoteFd, &answer, sizeof(answer), MSG_NOSIGNAL) < 0) _exit(0);
}

// What a sandbox promises its process about descriptors.
void ArrangeDescriptors(const Request& request) {
  const int null = open("/dev/null", O_RDWR);
  dup2(null, 0);
  dup2(request.output, 1);
  dup2(request.output, 2);
  dup2(request.channel, 3);
  close_range(4, ~0U, 0);
  fcntl(3, F_SETFD, FD_CLOEXEC);
}

// Running children. Each is watched by a descriptor of its own: SIGCHLD may go
// to another thread of the runtime, where it is lost.
class Children {
 public:
  // The launcher's socket, then one descriptor for each child.
  std::vector<pollfd>& polled() { return polled_; }

  void Add(pid_t pid) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0) Fail("pidfd_open");
    polled_.push_back({fd, POLLIN, 0});
    pids_.push_back(pid);
  }

  void ReapEnded() {
    for (size_t i = pids_.size(); i-- > 0;) {
      if (polled_[i + 1].revents == 0) continue;
      int status = 0;
      waitpid(pids_[i], &status, 0);
      close(polled_[i + 1].fd);
      Tell({.kind = Answer::kEnded, .pid = pids_[i], .status = status});
      polled_.erase(polled_.begin() + static_cast<long>(i) + 1);
      pids_.erase(pids_.begin() + static_cast<long>(i));
    }
  }

 private:
  std::vector<pollfd> polled_ = {{kZygoteFd, POLLIN, 0}};
  std::vector<pid_t> pids_;
};

}  // namespace

void ServeZygote(const ZygoteHooks& hooks) {
  Children children;
  while (true) {
    if (poll(children.polled().data(), children.polled().size(), -1) < 0)
      Fail("poll");
    const bool asked = children.polled()[0].revents != 0;
    children.ReapEnded();
    if (!asked) continue;
    Request request;
    if (!Receive(&request)) _exit(0);
    if (hooks.before_fork != nullptr) hooks.before_fork(hooks.context);
    const pid_t pid = fork();
    if (pid < 0) Fail("fork");
    if (pid == 0) {
      if (hooks.after_fork != nullptr) hooks.after_fork(hooks.context);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      ArrangeDescriptors(request);
      setsid();
      return;
    }
    close(request.channel);
    close(request.output);
    Tell({.kind = Answer::kForked, .pid = pid});
    children.Add(pid);
  }
}

}  // namespace so::isolation
