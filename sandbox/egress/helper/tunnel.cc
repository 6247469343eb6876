#include "sandbox/egress/helper/tunnel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "sandbox/protocol/egress_network.h"
#include "sandbox/protocol/packet.h"

namespace so::egress {
namespace {

using isolation::Check;
using isolation::Failed;
using isolation::Outcome;

constexpr char kInterface[] = "egress0";

sockaddr Address(const char* text) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, text, &address.sin_addr);
  sockaddr generic;
  std::memcpy(&generic, &address, sizeof(generic));
  return generic;
}

ifreq RequestFor() {
  ifreq request = {};
  std::strncpy(request.ifr_name, kInterface, IFNAMSIZ - 1);
  return request;
}

Outcome Configure() {
  const UniqueFd control(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SO_RETURN_IF_FAILED(Check(control.get(), "socket for the interface"));
  ifreq request = RequestFor();
  request.ifr_mtu = kTunnelMtu;
  SO_RETURN_IF_FAILED(Check(ioctl(control.get(), SIOCSIFMTU, &request),
                            "set the interface's packet size"));
  request = RequestFor();
  request.ifr_addr = Address(kSandboxAddress);
  SO_RETURN_IF_FAILED(Check(ioctl(control.get(), SIOCSIFADDR, &request),
                            "set the interface's address"));
  request = RequestFor();
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  SO_RETURN_IF_FAILED(Check(ioctl(control.get(), SIOCSIFFLAGS, &request),
                            "raise the interface"));
  char name[] = "egress0";
  static_assert(sizeof(name) == sizeof(kInterface));
  rtentry route = {};
  route.rt_dst = Address("0.0.0.0");
  route.rt_genmask = Address("0.0.0.0");
  route.rt_flags = RTF_UP;
  route.rt_dev = name;
  return Check(ioctl(control.get(), SIOCADDRT, &route), "set the route");
}

bool SameFile(int fd, const char* path) {
  struct stat one, other;
  return fstat(fd, &one) == 0 && stat(path, &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// Leaves the caller in the sandbox's namespaces.
Outcome OpenInside(int network, int user, UniqueFd& tunnel) {
  const bool shares_user = SameFile(user, "/proc/self/ns/user");
  SO_RETURN_IF_FAILED(
      Check(setns(network, CLONE_NEWNET), "enter the network namespace"));
  // While still root of the host: the device may be open to nobody else. It
  // belongs to the network namespace in which it is opened.
  tunnel.Reset(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  SO_RETURN_IF_FAILED(Check(tunnel.get(), "open /dev/net/tun"));
  // Whoever enters a user namespace has all capabilities over it.
  if (!shares_user) {
    SO_RETURN_IF_FAILED(
        Check(setns(user, CLONE_NEWUSER), "enter the user namespace"));
  }
  ifreq request = RequestFor();
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  SO_RETURN_IF_FAILED(
      Check(ioctl(tunnel.get(), TUNSETIFF, &request), "make the interface"));
  return Configure();
}

}  // namespace

Outcome OpenTunnel(int network, int user, UniqueFd& tunnel) {
  int pair[2];
  SO_RETURN_IF_FAILED(
      Check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair),
            "socketpair"));
  const UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  const pid_t child = fork();
  SO_RETURN_IF_FAILED(Check(child, "fork"));
  if (child == 0) {
    UniqueFd made;
    const Outcome outcome = OpenInside(network, user, made);
    // The step is a literal, which has the same address in parent and child.
    SendPacket(theirs.get(), &outcome, sizeof(outcome),
               outcome.ok() ? std::vector<int>{made.get()}.data() : nullptr,
               outcome.ok() ? 1 : 0);
    _exit(0);
  }
  theirs.Reset();
  Outcome outcome;
  size_t size = 0;
  std::vector<UniqueFd> fds;
  const int error =
      ReceivePacket(ours.get(), &outcome, sizeof(outcome), size, fds);
  waitpid(child, nullptr, 0);
  if (error != 0 || size != sizeof(outcome)) {
    return {"enter the sandbox", error};
  }
  SO_RETURN_IF_FAILED(outcome);
  if (fds.size() != 1) return {"take the tunnel", EPROTO};
  tunnel = std::move(fds[0]);
  return {};
}

}  // namespace so::egress
