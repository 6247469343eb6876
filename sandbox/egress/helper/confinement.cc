#include "sandbox/egress/helper/confinement.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "sandbox/isolation/identity.h"
#include "sandbox/isolation/mounts.h"

namespace so::egress {
namespace {

using isolation::Check;
using isolation::Outcome;

// Any directory that is always there: the tree is put together over it.
constexpr char kBuildingSite[] = "/proc";
constexpr char kResolver[] = "/etc/resolv.conf";
constexpr size_t kResolverBytes = 16384;

// Connections and flows at the same time, more or less.
constexpr rlim_t kDescriptors = 512;

constexpr const char* kSyscalls[] = {
    // Packets and connections.
    "read", "write", "poll", "ppoll", "connect", "bind", "listen", "accept",
    "accept4", "sendto", "sendmsg", "recvfrom", "recvmsg", "getsockopt",
    "setsockopt", "getsockname", "getpeername", "shutdown", "close", "ioctl",
    "fcntl",
    // resolv.conf.
    "open", "openat", "stat", "fstat", "newfstatat", "lseek",
    // Memory, time and the C library.
    "mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "clock_gettime",
    "gettimeofday", "time", "futex", "getrandom", "getpid", "rt_sigreturn",
    "rt_sigprocmask", "restart_syscall", "exit", "exit_group"};

constexpr int kFamilies[] = {AF_INET, AF_NETLINK};

std::string ReadResolver() {
  std::string text(kResolverBytes, '\0');
  const UniqueFd file(open(kResolver, O_RDONLY | O_CLOEXEC));
  const ssize_t size = read(file.get(), text.data(), text.size());
  text.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return text;
}

Outcome EnterEmptyTree() {
  const std::string resolver = ReadResolver();
  SO_RETURN_IF_FAILED(isolation::DetachPropagation());
  SO_RETURN_IF_FAILED(isolation::MountTmpfs(
      kBuildingSite, isolation::kNoDevices | isolation::kNoExec,
      "size=64k,nr_inodes=16,mode=0755"));
  SO_RETURN_IF_FAILED(Check(chdir(kBuildingSite), "chdir"));
  SO_RETURN_IF_FAILED(Check(mkdir("etc", 0755), "make /etc"));
  {
    const UniqueFd file(
        open(&kResolver[1], O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    SO_RETURN_IF_FAILED(Check(file.get(), "make resolv.conf"));
    SO_RETURN_IF_FAILED(Check(
        write(file.get(), resolver.data(), resolver.size()), "resolv.conf"));
  }
  SO_RETURN_IF_FAILED(isolation::ChangeMount(
      kBuildingSite,
      isolation::kReadOnly | isolation::kNoDevices | isolation::kNoExec));
  // Unmounting the old root would wait for every processor of the machine. It
  // cannot be reached again: the process has no other directory open, and will
  // have no capability, nor any system call that changes directories.
  return Check(chroot("."), "chroot");
}

Outcome Limit(int resource, rlim_t value) {
  const rlimit limit = {value, value};
  return Check(setrlimit(static_cast<__rlimit_resource>(resource), &limit),
               "limit resources");
}

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

// libseccomp answers with negative errno values.
Outcome CheckRule(int result) {
  return result >= 0 ? Outcome{} : Outcome{"filter rule", -result};
}

Outcome InstallFilter() {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return {"make a filter", ENOMEM};
  for (const char* name : kSyscalls) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number < 0) continue;
    SO_RETURN_IF_FAILED(
        CheckRule(seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0)));
  }
  for (const int family : kFamilies) {
    SO_RETURN_IF_FAILED(CheckRule(seccomp_rule_add(
        filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
        SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)))));
  }
  return CheckRule(seccomp_load(filter.get()));
}

}  // namespace

Outcome Confine(uid_t uid) {
  SO_RETURN_IF_FAILED(EnterEmptyTree());
  SO_RETURN_IF_FAILED(Limit(RLIMIT_NOFILE, kDescriptors));
  SO_RETURN_IF_FAILED(Limit(RLIMIT_CORE, 0));
  SO_RETURN_IF_FAILED(Limit(RLIMIT_FSIZE, 0));
  SO_RETURN_IF_FAILED(isolation::BecomeUser(uid));
  SO_RETURN_IF_FAILED(isolation::DropPrivileges());
  SO_RETURN_IF_FAILED(Check(prctl(PR_SET_DUMPABLE, 0), "not dumpable"));
  return InstallFilter();
}

}  // namespace so::egress
