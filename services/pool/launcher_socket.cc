#include "services/pool/launcher_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "absl/strings/str_cat.h"
#include "sandbox/protocol/messages.h"

namespace so {
namespace {

// One more than any message has, to see that there were too many.
constexpr size_t kMaxDescriptors = launcher::kDescriptorCount + 1;

std::vector<UniqueFd> TakeDescriptors(msghdr& header) {
  std::vector<UniqueFd> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
       part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      found.emplace_back(fd);
    }
  }
  return found;
}

absl::Status Lost(absl::string_view why) {
  return absl::AbortedError(absl::StrCat("the launcher was lost: ", why));
}

}  // namespace

absl::StatusOr<UniqueFd> ConnectToLauncher(const std::string& path) {
  const auto failed = [](absl::string_view why) {
    return absl::UnavailableError(
        absl::StrCat("the launcher cannot be reached: ", why));
  };
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.size() >= sizeof(address.sun_path)) return failed("too long a path");
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(
      socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                             sizeof(address)) != 0) {
    return failed(strerror(errno));
  }
  return fd;
}

absl::StatusOr<LauncherPacket> ReceivePacket(int fd) {
  char buffer[launcher::kMaxMessageBytes];
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  iovec part{.iov_base = buffer, .iov_len = sizeof(buffer)};
  msghdr header{.msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = control,
                .msg_controllen = sizeof(control)};
  const ssize_t got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
  if (got < 0) {
    return errno == EAGAIN || errno == EINTR
               ? absl::UnavailableError("nothing now")
               : Lost(strerror(errno));
  }
  LauncherPacket packet{.bytes = std::string(buffer, got),
                        .descriptors = TakeDescriptors(header)};
  if (got == 0) return Lost("it has ended");
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return absl::InvalidArgumentError("a packet larger than any message");
  }
  return packet;
}

bool SendPacket(int fd, const std::string& bytes) {
  const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent >= 0 || (errno != EAGAIN && errno != EINTR);
}

}  // namespace so
