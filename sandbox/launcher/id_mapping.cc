#include "sandbox/launcher/id_mapping.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace so {
namespace {

using isolation::Check;
using isolation::Failed;
using isolation::Outcome;

Outcome WriteFile(const std::string& path, const char* text, const char* step) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  SO_RETURN_IF_FAILED(Check(file.get(), step));
  return Check(write(file.get(), text, std::strlen(text)), step);
}

// Without CAP_SYS_PTRACE, which the launcher lacks in containers, the
// namespaces of a process can only be opened when it is dumpable, and that it
// inherits.
class Dumpable {
 public:
  Dumpable() : before_(prctl(PR_GET_DUMPABLE)) { prctl(PR_SET_DUMPABLE, 1); }
  ~Dumpable() {
    // Other values than these two cannot be set.
    if (before_ != 1) prctl(PR_SET_DUMPABLE, 0);
  }

 private:
  const int before_;
};

// Has a process for its life only: the namespace lives on in the descriptor.
class MappedNamespace {
 public:
  ~MappedNamespace() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }

  // Maps one user and one group to `outside`.
  Outcome Make(uid_t user, gid_t group, uid_t outside) {
    const Dumpable dumpable;
    const long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr,
                             nullptr, nullptr, nullptr);
    if (pid == 0) {
      while (true) pause();
    }
    SO_RETURN_IF_FAILED(Check(pid, "user namespace for a mapping"));
    process_ = static_cast<pid_t>(pid);
    const std::string directory = "/proc/" + std::to_string(process_);
    char map[64];
    std::snprintf(map, sizeof(map), "%u %u 1\n", user, outside);
    SO_RETURN_IF_FAILED(WriteFile(directory + "/uid_map", map, "map a user"));
    std::snprintf(map, sizeof(map), "%u %u 1\n", group, outside);
    SO_RETURN_IF_FAILED(WriteFile(directory + "/gid_map", map, "map a group"));
    fd_.Reset(open((directory + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
    return Check(fd_.get(), "open a user namespace");
  }

  int fd() const { return fd_.get(); }

 private:
  pid_t process_ = -1;
  UniqueFd fd_;
};

}  // namespace

Outcome MapOwner(const UniqueFd& mount, uid_t owner, uid_t user) {
  // A file whose group is not mapped cannot be written to.
  struct stat file;
  SO_RETURN_IF_FAILED(Check(fstat(mount.get(), &file), "look at a mount"));
  MappedNamespace mapped;
  SO_RETURN_IF_FAILED(mapped.Make(owner, file.st_gid, user));
  mount_attr attr = {};
  attr.attr_set = MOUNT_ATTR_IDMAP;
  attr.userns_fd = static_cast<uint64_t>(mapped.fd());
  return Check(syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &attr,
                       sizeof(attr)),
               "map the owner of a mount");
}

}  // namespace so
