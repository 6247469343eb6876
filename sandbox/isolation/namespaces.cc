#include "sandbox/isolation/namespaces.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace so::isolation {
namespace {

constexpr char kHostName[] = "sandbox";

Outcome WriteTo(const UniqueFd& directory, const char* name, const char* text,
                const char* step) {
  const UniqueFd file(openat(directory.get(), name, O_WRONLY | O_CLOEXEC));
  SO_RETURN_IF_FAILED(Check(file.get(), step));
  return Check(write(file.get(), text, std::strlen(text)), step);
}

Outcome MapUser(uid_t host_uid, const UniqueFd& proc_self) {
  char map[64];
  std::snprintf(map, sizeof(map), "%u %u 1\n", kSandboxUser, host_uid);
  SO_RETURN_IF_FAILED(
      WriteTo(proc_self, "setgroups", "deny", "deny setgroups"));
  SO_RETURN_IF_FAILED(WriteTo(proc_self, "gid_map", map, "map the group"));
  return WriteTo(proc_self, "uid_map", map, "map the user");
}

Outcome RaiseLoopback() {
  const UniqueFd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SO_RETURN_IF_FAILED(Check(socket_fd.get(), "socket for loopback"));
  ifreq request = {};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
  return Check(ioctl(socket_fd.get(), SIOCSIFFLAGS, &request),
               "raise loopback");
}

}  // namespace

Outcome UnshareFileSystem() {
  SO_RETURN_IF_FAILED(Check(
      unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP),
      "unshare mount, ipc, uts and cgroup namespaces"));
  return Check(sethostname(kHostName, sizeof(kHostName) - 1), "set host name");
}

Outcome UnshareUser(const NamespaceChoice& choice, uid_t host_uid,
                    const UniqueFd& proc_self) {
  const int flags =
      (choice.user ? CLONE_NEWUSER : 0) | (choice.network ? CLONE_NEWNET : 0);
  const char* step = !choice.user      ? "unshare network namespace"
                     : !choice.network ? "unshare user namespace"
                                       : "unshare user and network namespaces";
  SO_RETURN_IF_FAILED(Check(unshare(flags), step));
  if (choice.user) {
    // A change of user hides a process's files in /proc from itself.
    SO_RETURN_IF_FAILED(Check(prctl(PR_SET_DUMPABLE, 1), "dumpable"));
    SO_RETURN_IF_FAILED(MapUser(host_uid, proc_self));
  }
  return choice.network ? RaiseLoopback() : Outcome{};
}

}  // namespace so::isolation
