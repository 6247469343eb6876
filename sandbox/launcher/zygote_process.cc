#include "sandbox/launcher/zygote_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sandbox/launcher/text.h"
#include "sandbox/protocol/packet.h"

namespace so {
namespace {

using isolation::ZygoteMessage;

// The message of type T that the packet is; null when it has another size.
template <typename T>
const T* As(const char* data, size_t size) {
  return size == sizeof(T) ? reinterpret_cast<const T*>(data) : nullptr;
}

std::string DescribeExit(int wait_status) {
  return WIFSIGNALED(wait_status)
             ? absl::StrCat("killed by signal ", WTERMSIG(wait_status))
             : absl::StrCat("exited with ", WEXITSTATUS(wait_status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ZygoteProcess>> ZygoteProcess::Start(
    const isolation::ZygoteProgram& program, Poller& poller,
    ZygoteListener& listener) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return absl::ErrnoToStatus(errno, "socketpair");
  }
  std::unique_ptr<ZygoteProcess> zygote(new ZygoteProcess(listener));
  zygote->socket_.Reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  // A zygote that reads nothing must not hold up the others.
  if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "fcntl");
  }
  const isolation::Outcome outcome = isolation::StartZygote(
      program, theirs.get(), STDERR_FILENO, zygote->process_);
  if (!outcome.ok()) return absl::ErrnoToStatus(outcome.error, outcome.step);
  ZygoteProcess* self = zygote.get();
  zygote->socket_watch_ = poller.WatchFd(
      zygote->socket_.get(), EPOLLIN, [self](uint32_t) { self->OnSocket(); });
  zygote->exit_watch_ = poller.WatchFd(zygote->process_.pidfd.get(), EPOLLIN,
                                       [self](uint32_t) { self->OnExit(); });
  return zygote;
}

ZygoteProcess::~ZygoteProcess() {
  if (process_.pid < 0 || reaped_) return;
  Kill();
  waitpid(process_.pid, nullptr, 0);
}

int ZygoteProcess::Fork(const isolation::ForkRequest& request,
                        const std::vector<int>& fds) {
  const int error = SendPacket(socket_.get(), &request, sizeof(request),
                               fds.data(), fds.size());
  if (error != 0) return error;
  ++forks_;
  ++children_;
  return 0;
}

void ZygoteProcess::End() {
  ready_ = false;
  if (socket_.valid()) shutdown(socket_.get(), SHUT_RDWR);
}

void ZygoteProcess::Kill() {
  ready_ = false;
  syscall(SYS_pidfd_send_signal, process_.pidfd.get(), SIGKILL, nullptr, 0);
}

bool ZygoteProcess::OnSocket() {
  alignas(8) char data[isolation::kMaxZygoteMessageBytes];
  size_t size = 0;
  std::vector<UniqueFd> fds;
  const int error = ReceivePacket(socket_.get(), data, sizeof(data), size, fds);
  if (error == EAGAIN) return false;
  if (error != 0 || size == 0) {
    socket_watch_.reset();
    Kill();
    return false;
  }
  OnMessage(data, size, std::move(fds));
  return true;
}

void ZygoteProcess::OnMessage(const char* data, size_t size,
                              std::vector<UniqueFd> fds) {
  ZygoteMessage type;
  std::memcpy(&type, data, sizeof(type));
  if (type == ZygoteMessage::kReady) {
    ready_ = true;
    listener_.OnZygoteReady(*this);
  } else if (const auto* failed = As<isolation::ZygoteFailed>(data, size);
             failed != nullptr && type == ZygoteMessage::kFailed) {
    failure_ =
        absl::StrCat(TextOf(failed->step), ": ", std::strerror(failed->error));
  } else if (const auto* forked = As<isolation::Forked>(data, size);
             forked != nullptr && type == ZygoteMessage::kForked) {
    if (forked->error != 0) --children_;
    listener_.OnForked(*forked, fds.empty() ? UniqueFd() : std::move(fds[0]));
  } else if (const auto* died = As<isolation::Died>(data, size);
             died != nullptr && type == ZygoteMessage::kDied) {
    --children_;
    listener_.OnDied(*died);
  }
}

void ZygoteProcess::OnExit() {
  // What it said last comes first.
  while (socket_watch_ != nullptr && OnSocket()) {
  }
  int status = 0;
  waitpid(process_.pid, &status, 0);
  reaped_ = true;
  ready_ = false;
  exit_watch_.reset();
  listener_.OnZygoteEnded(*this,
                          failure_.empty() ? DescribeExit(status) : failure_);
}

}  // namespace so
