#include "sandbox/launcher/listener.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace so {
namespace {

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the socket's path is longer than ",
                     sizeof(address.sun_path) - 1, " bytes: ", path));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Create(
    Options options, Poller& poller, const Logger& log,
    absl::AnyInvocable<void(UniqueFd)> accepted) {
  std::unique_ptr<Listener> listener(
      new Listener(std::move(options), poller, log, std::move(accepted)));
  SO_RETURN_IF_ERROR(listener->Listen());
  listener->Resume();
  return listener;
}

Listener::Listener(Options options, Poller& poller, const Logger& log,
                   absl::AnyInvocable<void(UniqueFd)> accepted)
    : options_(std::move(options)),
      log_(log),
      accepted_(std::move(accepted)),
      poller_(poller) {}

Listener::~Listener() {
  if (socket_.valid()) unlink(options_.path.c_str());
}

absl::Status Listener::Listen() {
  SO_ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(options_.path));
  socket_.Reset(
      socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_.valid()) return absl::ErrnoToStatus(errno, "socket");
  // One of an earlier life; while it lives, its sandboxes' cgroups are ours.
  unlink(options_.path.c_str());
  const mode_t mask = umask(0177);
  const int bound =
      bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
           sizeof(address));
  umask(mask);
  if (bound != 0) return absl::ErrnoToStatus(errno, options_.path);
  if (chown(options_.path.c_str(), options_.client_uid, -1) != 0) {
    // Without the capability to give files away, everybody may knock: who gets
    // in is decided by PeerOf.
    if (errno != EPERM || chmod(options_.path.c_str(), 0666) != 0) {
      return absl::ErrnoToStatus(errno, options_.path);
    }
  }
  if (listen(socket_.get(), 8) != 0) {
    return absl::ErrnoToStatus(errno, options_.path);
  }
  return absl::OkStatus();
}

void Listener::Pause() { watch_.reset(); }

void Listener::Resume() {
  if (watch_ != nullptr) return;
  watch_ =
      poller_.WatchFd(socket_.get(), EPOLLIN, [this](uint32_t) { Accept(); });
}

void Listener::Accept() {
  UniqueFd connection(
      accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.valid()) return;
  const std::optional<uid_t> peer = PeerOf(connection);
  if (peer != options_.client_uid) {
    log_.Warn("a stranger was turned away",
              {{"uid", peer ? absl::StrCat(*peer) : "unknown"}});
    return;
  }
  accepted_(std::move(connection));
}

std::optional<uid_t> Listener::PeerOf(const UniqueFd& connection) {
  ucred peer;
  socklen_t size = sizeof(peer);
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) !=
      0) {
    return std::nullopt;
  }
  return peer.uid;
}

}  // namespace so
